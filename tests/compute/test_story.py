"""Algorithms run next to the data, on a real worker and in a real sandbox, and only their results leave."""

from __future__ import annotations

import json

import pytest

from tests.compute.conftest import ALGORITHM, COUNT, DATA, OTHER, ROWS, Computing, raw
from tests.provider.conftest import API

LINES = len(ROWS.splitlines())
OTHER_KEY = "0x" + "44" * 32


def fetch(client, url):
    """Fetch what is at an address that this server gave out."""
    return client.get(url.partition("localhost")[2])


def test_raw_code_computes_on_the_data(client, owner):
    """It finds them as the reference lays them out; the result and the log are the owner's."""
    job = owner.start()
    assert (1, "Job started", "") == (job["status"], job["statusText"], job["algorithmLogUrl"])

    done = owner.ended(job["jobId"])

    assert (6, "Job completed") == (done["status"], done["statusText"]), done
    assert ["counted.json", "algorithm.log"] == [result["filename"] for result in done["results"]]
    result = fetch(client, done["resultsUrls"][0])
    assert {f"{'d0' * 32}/0": LINES} == json.loads(result.data)
    assert "attachment;filename=counted.json" == result.headers["Content-Disposition"]
    assert b"counted 1 files\n" == fetch(client, done["algorithmLogUrl"]).data
    assert done["resultsUrl"] == done["resultsUrls"]


def test_a_published_algorithm_goes_before_one_that_is_brought_along(client, owner):
    """Its publisher is trusted by the data's; the other would not be."""
    job = owner.start(OTHER, algorithmDid=ALGORITHM, algorithmMeta=raw("raise SystemExit(3)"))

    done = owner.ended(job["jobId"])

    assert 6 == done["status"], done
    assert {f"{'d1' * 32}/0": LINES} == json.loads(fetch(client, done["resultsUrls"][0]).data)


def test_further_inputs_lie_beside_the_first(client, owner):
    """All of them have to allow the algorithm."""
    job = owner.start(algorithmDid=ALGORITHM, additionalInputs=[{"documentId": OTHER, "serviceId": 4}])

    done = owner.ended(job["jobId"])

    assert {f"{'d0' * 32}/0": LINES, f"{'d1' * 32}/0": LINES} == json.loads(fetch(client, done["resultsUrls"][0]).data)
    refused = owner.start(additionalInputs=[{"documentId": OTHER}], expect=403)
    assert "cannot run raw algorithm" in refused["detail"]


def test_an_algorithm_knows_where_everything_is(client, owner):
    """By the variables of the reference, and by no other of ours."""
    code = "import json, os; print(json.dumps(dict(os.environ)))"

    done = owner.ended(owner.start(algorithmMeta=raw(code))["jobId"])

    told = json.loads(fetch(client, done["algorithmLogUrl"]).data)
    assert ["d0" * 32] == json.loads(told["DIDS"])
    assert ("", "/data", "/data/inputs", "/data/outputs", "/data/logs") == tuple(
        told[name] for name in ("TRANSFORMATION_DID", "VOLUME", "INPUTS", "OUTPUTS", "LOGS")
    )
    assert [] == [name for name in told if name.startswith("SEAMARK")]


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("print('so far'); raise SystemExit(3)", 33, "exit code 3"),
        ("import os; os.symlink('/etc/passwd', '/data/outputs/passwd')", 34, "a symbolic link"),
        (
            "import shutil; shutil.copy('/data/inputs/{}/0', '/data/outputs/copy')".format("d0" * 32),
            34,
            "holds an input as it is",
        ),
        ("open('/data/inputs/new', 'w')", 33, "exit code 1"),
        ("import socket; socket.create_connection(('127.0.0.1', 1))", 33, "exit code 1"),
    ],
    ids=["fails", "links", "copies", "writes", "calls"],
)
def test_what_goes_wrong_is_told(client, owner, code, status, words):
    """The job ends with its number, its reason and the algorithm's log; nothing else leaves."""
    done = owner.ended(owner.start(algorithmMeta=raw(code))["jobId"])

    assert (status, []) == (done["status"], done["resultsUrls"]), done
    assert words in done["reason"]
    assert 200 == fetch(client, done["algorithmLogUrl"]).status_code


def test_an_image_that_nothing_stands_for_is_refused(owner):
    """With what could be run instead."""
    done = owner.ended(owner.start(algorithmMeta=raw(COUNT, image="r-base"))["jobId"])

    assert 32 == done["status"]
    assert "'r-base:3.11' cannot be run" in done["reason"]


def test_data_that_cannot_be_had_end_the_job(owner, here, upstream):
    """With the reason, which tells no address."""
    from tests.compute.conftest import publish

    did = publish(here, "did:op:" + "d9" * 32, upstream.url + "/secret", privacy={"allowRawAlgorithm": True})

    done = owner.ended(owner.start(did)["jobId"])

    assert (31, "Data provisioning failed") == (done["status"], done["statusText"])
    assert "secret" not in json.dumps(done)


def test_a_job_is_stopped_restarted_and_deleted_by_its_owner(client, owner):
    """Each at any moment; nobody else knows of it."""
    code = "import time, os; time.sleep(0 if os.path.exists('/data/ddos/x') else 30)"
    job = owner.start(algorithmMeta=raw(code))["jobId"]
    owner.stage(job, 3)
    stranger = Computing(client, OTHER_KEY)

    assert [] == stranger.ask("GET", job)
    refused = client.put(f"{API}/compute", query_string=stranger.which(job))
    assert 404 == refused.status_code
    assert (7, "Job stopped") == tuple(owner.ask("PUT", job)[0][name] for name in ("status", "statusText"))
    assert 7 == owner.ask("PUT", job)[0]["status"]

    again = owner.start(job=job)
    assert (job, True) == (again["jobId"], again["status"] < 6)
    assert 409 == owner.start(job=job, expect=409)["status"]
    assert (8, "Job deleted successfully") == tuple(
        owner.ask("DELETE", job)[0][name] for name in ("status", "statusText")
    )
    assert 8 == owner.ask("GET", job)[0]["status"]
    assert job not in [one["jobId"] for one in owner.ask("GET")]
    assert 404 == owner.start(job=job, expect=404)["status"]


def test_strangers_see_where_a_job_stands_and_no_more(client, owner):
    """Who names the owner's address without signing is not told where the results are."""
    job = owner.start()["jobId"]
    owner.ended(job)

    seen = client.get(f"{API}/compute", query_string={"consumerAddress": owner.address, "jobId": job}).json[0]

    assert 6 == seen["status"]
    assert set() == seen.keys() & {"algorithmLogUrl", "resultsUrls", "resultsUrl", "resultsDid", "results"}
    assert 400 == client.get(f"{API}/compute").status_code


def test_results_are_only_the_owners(client, owner):
    """By an address that ends and cannot be guessed, or by a signature."""
    done = owner.ended(owner.start()["jobId"])
    job, url = done["jobId"], done["resultsUrls"][0].partition("localhost")[2]
    stranger = Computing(client, OTHER_KEY)

    def signed(who, index=0):
        proof = {"consumerAddress": who.address, "signature": who.sign(f"{who.address}{job}{index}")}
        return client.get(f"{API}/computeResult", query_string={"jobId": job, "index": index, **proof})

    assert client.get(url).data == signed(owner).data
    assert [404, 401, 401, 400] == [
        signed(stranger).status_code,
        client.get(url.replace("token=", "token=0")).status_code,
        client.get(url.replace("expires=", "expires=1")).status_code,
        client.get(f"{API}/computeResult?jobId={job}&index=0").status_code,
    ]
    assert 404 == signed(owner, 2).status_code
    part = client.get(url, headers={"Range": "bytes=0-4"})
    assert (206, 5) == (part.status_code, len(part.data))


def test_results_become_an_asset_where_that_is_wanted(client, owner, here):
    """With the metadata of the request, owned by whom it names."""
    output = {"publishOutput": 1, "publishAlgorithmLog": 0, "metadata": {"name": "Workflow output"}}

    done = owner.ended(owner.start(output=output)["jobId"])

    asset = here.assets.read(done["resultsDid"])
    assert ("Workflow output", owner.address.lower()) == (asset.name, asset.owner)
    assert 200 == owner.download(asset.did).status_code
    assert 403 == Computing(client, OTHER_KEY).download(asset.did).status_code
    owner.ask("DELETE", done["jobId"])
    assert 200 == owner.download(asset.did).status_code


def test_what_is_said_of_results_is_kept_and_what_is_known_is_not_overruled(owner, here):
    """All of the request's metadata is in the asset's, but for what this server knows better."""
    main = {"name": "Tides", "type": "algorithm", "files": [], "links": [{"url": "https://a.example"}]}
    output = {"publishOutput": 1, "metadata": {"main": main, "additionalInformation": {"tags": ["tide"]}}}

    done = owner.ended(owner.start(output=output)["jobId"])

    found = here.assets.read(done["resultsDid"]).ddo
    attributes = found["service"][0]["attributes"]
    assert ("Tides", "dataset", 1) == (
        *(attributes["main"][name] for name in ("name", "type")),
        len(attributes["main"]["files"]),
    )
    assert (main["links"], {"tags": ["tide"]}) == (attributes["main"]["links"], attributes["additionalInformation"])
    assert owner.address.lower() == found["publicKey"][0]["owner"]


def test_results_are_for_those_whom_the_request_lists(client, owner, here):
    """And for their owner; for nobody else."""
    friend, stranger = Computing(client, OTHER_KEY), Computing(client, "0x" + "55" * 32)
    output = {"publishOutput": 1, "whitelist": [friend.address]}

    did = owner.ended(owner.start(output=output)["jobId"])["resultsDid"]

    assert [200, 200, 403] == [one.download(did).status_code for one in (owner, friend, stranger)]


def test_the_alias_is_the_same(client, owner):
    """The contract's own examples have a shorter path."""
    job = owner.start()["jobId"]

    found = client.get("/api/v1/compute", query_string=owner.which(job, DATA)).json

    assert [job] == [one["jobId"] for one in found]
