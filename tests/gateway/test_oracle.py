"""Stock connexion and ours say the same of any request, but for the differences that are listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests.exceptions import RequestException
from schemathesis.generation import GenerationMode

from tests.gateway.differences import DIFFERENCES, Difference
from tests.gateway.echo import DATA, SPECS, api, styles
from tests.gateway.oracle import Exchange, Oracle, Request

FILES = [DATA / "styles.yaml", *sorted(SPECS.glob("[a-z]*.yaml")), *sorted((SPECS / "invoke").glob("*.yaml"))]
FEW = 3  # examples of each mode, for each operation
MANY = int(os.environ.get("SEAMARK_ORACLE_EXAMPLES", "12"))
TOKEN = "Bearer boss"

# Stock connexion leaves files of multipart bodies open, and uses what its libraries have given up.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@cache
def oracle(path: Path) -> Oracle:
    """Return both servers of the spec in *path*."""
    return Oracle(api(path))


@pytest.fixture(scope="module", autouse=True)
def loops() -> Iterator[None]:
    """Close the loops of all oracles in the end."""
    yield
    for path in FILES:
        oracle(path).close()


def explained(exchange: Exchange) -> bool:
    """Tell whether both said the same, or a listed difference explains it."""
    return exchange.ours.same(exchange.stock) or any(entry.explains(exchange) for entry in DIFFERENCES)


def as_request(case: Any, mount: str, *, secured: bool) -> Request | None:
    """Return what schemathesis would send; None where `requests` cannot send it."""
    arguments = case.as_transport_kwargs(base_url="http://localhost" + mount)
    known = {"method", "url", "headers", "params", "data", "json", "files", "cookies"}
    arguments = {name: value for name, value in arguments.items() if name in known}
    if secured:
        arguments["headers"] = {"Authorization": TOKEN} | dict(arguments.get("headers") or {})
    try:
        return Request.prepared(**arguments)
    except (RequestException, UnicodeError):
        return None


def operations(path: Path) -> Iterator[Any]:
    """Yield the operations of the spec in *path*, as schemathesis has them."""
    schema = schemathesis.openapi.from_dict(dict(oracle(path).api.document))
    for result in schema.get_all_operations():
        yield result.ok()


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)], ids=["few", "many"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_any_request_gets_the_same_status_and_arguments(path: Path, mode: GenerationMode, examples: int) -> None:
    """Whatever schemathesis makes, both give the same status and the same arguments."""
    both = oracle(path)
    for operation in operations(path):
        secured = bool(operation.definition.raw.get("security", both.api.document.get("security")))
        compare(both, operation.as_strategy(generation_mode=mode), examples, secured=secured)


def compare(both: Oracle, cases: Any, examples: int, *, secured: bool) -> None:
    """Send so many *examples* of *cases* to both."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def check(case: Any) -> None:
        request = as_request(case, both.api.mount, secured=secured)
        if request is not None:
            exchange = both.ask(request)

            assert explained(exchange), str(exchange)

    try:
        check()
    except Unsatisfiable:
        return  # An operation without input cannot be called wrongly.


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_each_difference_is_one(entry: Difference) -> None:
    """The example of each listed difference is answered differently, and the entry explains it."""
    exchange = oracle(DATA / "styles.yaml").ask(entry.example)

    assert not exchange.ours.same(exchange.stock), str(exchange)
    assert entry.explains(exchange), str(exchange)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_no_difference_hides_another(entry: Difference) -> None:
    """No entry explains the example of another one: each is as narrow as its reason."""
    exchange = oracle(DATA / "styles.yaml").ask(entry.example)

    assert [entry.name] == [other.name for other in DIFFERENCES if other.explains(exchange)], str(exchange)


def test_each_difference_has_its_own_name() -> None:
    """Names are unique, and each reason says whose it is."""
    assert len(DIFFERENCES) == len({entry.name for entry in DIFFERENCES})
    assert [] == [entry.name for entry in DIFFERENCES if not entry.why.startswith(("Fault: ", "Decision: "))]
    assert "/styles" == styles().mount
