"""Handlers of specs/manage.yaml: look after jobs, assets, tokens and accounts.

The command line calls these functions too, where it acts on the configured store.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import cast, overload

from generated import manage as api
from handlers.assets.ddo import Sale
from handlers.assets.store import Asset, guess_type
from handlers.errors import Fault, InputInvalid
from handlers.identities.accounts import Account
from handlers.identities.tokens import Token
from handlers.jobs.records import Job
from handlers.services import services
from handlers.wire import Reply, request


def list_jobs(limit: int, before: str | None = None) -> api.JobPage:
    """List the jobs of all callers, the newest first."""
    jobs = services().jobs.list(all_owners=True, limit=limit, before=before)
    return {"jobs": [as_line(job) for job in jobs], "next": jobs[-1].cursor if len(jobs) == limit else None}


def read_job(job_id: str) -> api.Job:
    """Tell how one job stands."""
    return as_job(services().jobs.read(job_id, all_owners=True))


def cancel_job(job_id: str) -> api.Job:
    """End a job that has not ended; cancelling it twice is no error."""
    return as_job(services().jobs.cancel(job_id, all_owners=True))


def read_job_log(job_id: str, after: int, limit: int) -> api.JobLog:
    """Give what a job logged, the oldest line first."""
    lines = services().jobs.logs(job_id, after=after, limit=limit, all_owners=True)
    return {
        "lines": [
            {"id": line.id, "attempt": line.attempt, "time": as_text(line.time), "line": line.line} for line in lines
        ]
    }


def list_assets(offset: int, limit: int) -> api.AssetPage:
    """List the assets, the newest first."""
    assets, total = services().assets.list(offset=offset, limit=limit)
    return {"assets": [as_entry(asset) for asset in assets], "total": total}


def add_asset(body: api.NewAsset) -> Reply:
    """Store a file as a new asset."""
    upload = body["file"]
    with tempfile.TemporaryDirectory(prefix="seamark-upload-") as directory:
        path = Path(directory) / "file"
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file, 1 << 20)
        asset = store_asset(
            path,
            name=body.get("name") or upload.filename or "file",
            content_type=body.get("content_type") or guess_type(upload.filename) or upload.content_type,
            owner=body.get("owner") or None,
            price=body.get("price", "0"),
            author=body.get("author", ""),
            description=body.get("description", ""),
        )
    here = request()
    location = f"{here.base_url}{here.mount}/assets/{asset['did']}"
    return Reply(body=asset, status=HTTPStatus.CREATED, headers={"Location": location})


def store_asset(
    path: Path, *, name: str, content_type: str, owner: str | None, price: str, author: str, description: str
) -> api.Asset:
    """Store the file *path* as a new asset.

    Raises:
        InputInvalid: The price is no price.
    """
    try:
        asset = services().assets.add(
            path,
            name=name,
            content_type=content_type,
            owner=owner,
            sale=Sale(price=price),
            author=author,
            description=description,
        )
    except ValueError as error:
        raise InputInvalid(faults=[Fault("form", "/price", str(error))]) from error
    return as_asset(asset)


def read_asset(did: str) -> api.Asset:
    """Show one asset and its DDO."""
    return as_asset(services().assets.read(did))


def remove_asset(did: str) -> None:
    """Remove an asset and its file."""
    services().assets.remove(did)


def list_tokens() -> api.TokenList:
    """List the tokens, the newest first, without their secrets."""
    return {"tokens": [as_token(token) for token in services().tokens.list()]}


def add_token(body: api.NewToken) -> tuple[api.Token, int]:
    """Make a token; its secret is told now and never again."""
    seconds = body.get("valid_for_s")
    valid_for = timedelta(seconds=seconds) if seconds else None
    secret, token = services().tokens.new(body["name"], body["scopes"], valid_for)
    return {**as_token(token), "secret": secret}, HTTPStatus.CREATED


def revoke_token(token_id: str) -> None:
    """End a token's life."""
    services().tokens.revoke(token_id)


def list_accounts() -> api.AccountList:
    """List the accounts by name."""
    return {"accounts": [as_account(account) for account in services().accounts.list()]}


def add_account(body: api.NewAccount) -> tuple[api.Account, int]:
    """Make an account that logs in with a password, an Ethereum key, or either."""
    account = services().accounts.add(
        body["name"], body["scopes"], password=body.get("password"), address=body.get("address")
    )
    return as_account(account), HTTPStatus.CREATED


def remove_account(name: str) -> None:
    """Remove an account and end the life of its tokens."""
    services().accounts.remove(name)


def as_line(job: Job) -> api.Job:
    """Return a job as it stands in a list."""
    return {
        "id": job.id,
        "kind": job.kind,
        "subject": job.subject,
        "owner": job.owner,
        "status": job.status.value,
        "progress": job.progress,
        "message": job.message,
        "attempt": job.attempt,
        "worker": job.worker,
        "created": as_text(job.created),
        "started": as_text(job.started),
        "finished": as_text(job.finished),
        "expires": as_text(job.expires),
    }


def as_job(job: Job) -> api.Job:
    """Return a job with what came of it."""
    return {**as_line(job), "results": job.results, "problem": job.problem}


def as_entry(asset: Asset) -> api.Asset:
    """Return an asset as it stands in a list."""
    return {
        "did": asset.did,
        "name": asset.name,
        "owner": asset.owner,
        "content_type": asset.content_type,
        "size": asset.size,
        "job": asset.job,
        "created": as_text(asset.created),
    }


def as_asset(asset: Asset) -> api.Asset:
    """Return an asset with its DDO."""
    return {**as_entry(asset), "ddo": dict(asset.ddo)}


def as_token(token: Token) -> api.Token:
    """Return what is known of a token."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": cast("list[api.Scope]", list(token.scopes)),
        "created": as_text(token.created),
        "expires": as_text(token.expires),
        "revoked": as_text(token.revoked),
    }


def as_account(account: Account) -> api.Account:
    """Return what is known of an account."""
    return {
        "name": account.name,
        "address": account.address,
        "password": account.has_password,
        "scopes": cast("list[api.Scope]", list(account.scopes)),
        "created": as_text(account.created),
    }


@overload
def as_text(moment: datetime) -> str: ...
@overload
def as_text(moment: None) -> None: ...
def as_text(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 has it, in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
