"""The invoke cycle of DEP 6 as starfish-py makes it.

    python starfish_story.py URL NAME PASSWORD

Runs in an environment that has starfish-py and nothing of ours; prints what it got as JSON.
"""

import hashlib
import json
import sys

from starfish.agent import RemoteAgent
from starfish.agent.authentication import AuthenticationBasic, AuthenticationToken
from starfish.asset import DataAsset

ROWS = "a,b,c\n1,2,3\n4,,\n5,6,7\n"


def tell(url: str, name: str, password: str) -> dict:
    """Log in, look around, run at once, run as a job, take the results."""
    agent = RemoteAgent.load(url, authentication=AuthenticationBasic(name, password))
    story = {"agent": agent.ddo.did}

    operation = agent.get_asset(agent.find_asset({"name": "hash", "type": "operation"})[0])
    story["modes"] = [operation.is_mode("sync"), operation.is_mode("async")]
    story["by name"] = agent.invoke("hash", {"to_hash": "abc"})["outputs"]
    story["by asset"] = agent.invoke(operation, {"to_hash": "abc"})["outputs"]

    asset = agent.register_asset(DataAsset.create("rows", ROWS))
    agent.upload_asset(asset)
    story["asset"] = asset.did
    story["downloaded"] = agent.download_asset(asset.did).data.decode()

    accepted = agent.invoke("hash", {"to_hash": "", "saved_model": {"did": asset.did}}, is_async=True)
    job = agent.job_wait_for_completion(accepted["job-id"], sleep_seconds=0.1)
    story["job"] = [job.status, job.outputs]

    accepted = agent.invoke("filter-rows", {"dataset": {"did": asset.did}, "max_empty_columns": 1}, is_async=True)
    job = agent.job_wait_for_completion(accepted["jobId"], sleep_seconds=0.1)
    story["filtered"] = agent.download_asset(job.outputs["filtered_dataset"]["did"]).data.decode()

    token = agent.get_authorization_token()
    story["same token"] = token == agent.get_authorization_token()
    by_token = RemoteAgent.load(url, authentication=AuthenticationToken(token))
    story["by token"] = by_token.invoke("hash", {"to_hash": "abc"})["outputs"]
    story["refused"] = refused(url, name)
    story["expected"] = {
        "text": hashlib.sha3_256(b"abc").hexdigest(),
        "rows": hashlib.sha3_256(ROWS.encode()).hexdigest(),
    }
    return story


def refused(url: str, name: str) -> str:
    """Say what the client makes of a wrong password."""
    try:
        RemoteAgent.load(url, authentication=AuthenticationBasic(name, "wrong"))
    except ValueError as error:
        return str(error)
    return "nothing"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tell(*sys.argv[1:])))
