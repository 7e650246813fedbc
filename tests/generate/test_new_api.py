"""A document that somebody else wrote is taken in: converted, mended, mounted, and served by a new controller."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from handlers.app import create_app
from handlers.settings import Settings
from handlers.spec.bundle import bundle
from handlers.spec.documents import Api, mount_of
from handlers.spec.lint import lint
from tools.generate import ROOT, main
from tools.generate.new_api import command

DATA = Path(__file__).with_name("data")
COPIED = ("setup.cfg", "specs/_shared.yaml", "specs/manage.yaml", "tests/typing/controllers.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a small checkout with one API of ours."""
    root = tmp_path / "checkout"
    for path in COPIED:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    assert main(["--specs", str(root / "specs")]) == 0
    return root


def take_in(root: Path, file: Path, *options: str) -> int:
    """Run the command in a checkout."""
    return command([str(file), "--root", str(root), *options])


def document_of(root: Path, name: str) -> dict[str, Any]:
    """Return the bundled spec of an API."""
    return bundle(root / "specs" / f"{name}.yaml")


def test_the_first_example_of_ocean_invoke_is_taken_in(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its faults are mended, and each is told."""
    assert 0 == take_in(root, DATA / "ocean.yaml")

    said = capsys.readouterr().out
    assert "The operationId invokeOperation of POST /invokeasync was taken" in said
    assert "The body of POST /invokesync is application/json only; left out: application/xml." in said
    assert "`type` of the answer of POST /invokesync, 200 is left out" in said
    assert "2 operations are served at /v2 and answer 501 until they are built." in said
    document = document_of(root, "ocean")
    ids = [item["post"]["operationId"] for item in document["paths"].values()]
    assert ["invokeOperation", "invokeOperation_invokeasync"] == ids
    asset = document["components"]["schemas"]["Asset"]
    assert "^[a-fA-F0-9]{64}$" == asset["properties"]["assetdid"]["pattern"]


def test_what_is_written_is_ours(root: Path) -> None:
    """The spec is valid and clean, nothing else is left to generate, and the controller has the house's style."""
    take_in(root, DATA / "shop.yaml")

    validate(document_of(root, "shop"))
    assert [] == lint(root / "specs" / "shop.yaml", root / "specs")
    assert 0 == main(["--check", "--specs", str(root / "specs")])
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "handlers" / "__init__.py").write_text('"""Ours."""\n')
    for options in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *options, "handlers/shop.py"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout


def test_the_controller_is_entered_where_the_house_lists_it(root: Path) -> None:
    """It stands beside the other controllers in the contracts, and its types are checked."""
    take_in(root, DATA / "ocean.yaml")

    config = configparser.ConfigParser(interpolation=None)
    config.read(root / "setup.cfg")
    layers = config["importlinter:contract:house"]["layers"].splitlines()
    assert [["invoke", "ocean"]] == [
        [room for room in line.split(" | ") if room in ("invoke", "ocean")] for line in layers if "ocean" in line
    ]
    assert "handlers.ocean" in config["importlinter:contract:http"]["source_modules"].split()
    claims = (root / "tests" / "typing" / "controllers.py").read_text("utf-8")
    imports = [line for line in claims.splitlines() if line.startswith("import ")]
    assert imports == sorted(imports)
    assert "_ocean: generated.ocean.OceanOperations = handlers.ocean\n" in claims
    assert len(claims.splitlines()) == len((ROOT / "tests/typing/controllers.py").read_text("utf-8").splitlines()) + 3


def test_swagger_becomes_openapi(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Parameters, forms, files, lists, headers, shared parts and texts that look like numbers keep their meaning."""
    take_in(root, DATA / "shop.yaml", "--mount", "/shop/")

    document = document_of(root, "shop")
    find, add = document["paths"]["/things"]["get"], document["paths"]["/things"]["post"]
    photo = document["paths"]["/things/{id}/photo"]
    assert [{"url": "/shop"}] == document["servers"]
    assert ("find_things", "post_things", "photo") == (
        find["operationId"],
        add["operationId"],
        photo["put"]["operationId"],
    )
    assert "Finds things." == find["summary"]
    assert {"$ref": "#/components/parameters/Page"} == find["parameters"][0]
    assert [("form", True), ("pipeDelimited", False), ("form", False)] == [
        (each["style"], each["explode"]) for each in find["parameters"][1:]
    ]
    assert {"$ref": "#/components/responses/Missing"} == find["responses"]["404"]
    answer = find["responses"]["200"]
    assert {"type": "integer"} == answer["headers"]["X-Total"]["schema"]
    assert [{"kind": "shoe", "size": 40}] == answer["content"]["application/json"]["example"]
    assert {"$ref": "#/components/schemas/Thing"} == add["requestBody"]["content"]["application/json"]["schema"]
    thing = document["components"]["schemas"]["Thing"]
    assert {"propertyName": "kind"} == thing["discriminator"]
    assert {"type": "integer", "nullable": True} == thing["properties"]["size"]
    assert "1e3" == thing["properties"]["default"]["example"]
    assert "id" == photo["parameters"][0]["name"]
    form = photo["put"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert ["caption", "file"] == form["required"]
    assert {"type": "string", "format": "binary"} == form["properties"]["file"]
    assert "rows is separated by commas now" in capsys.readouterr().out


def test_credentials_that_nobody_can_check_become_our_token(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who had to bring a key brings a token; who had to bring nothing still does not."""
    take_in(root, DATA / "shop.yaml")

    document = document_of(root, "shop")
    assert [{"token": []}] == document["security"] == document["paths"]["/things"]["post"]["security"]
    assert [] == document["paths"]["/things/{id}/photo"]["put"]["security"]
    assert ["token"] == list(document["components"]["securitySchemes"])
    assert "Who had to bring key, login brings a token of this server" in capsys.readouterr().out


def test_it_can_be_mocked_at_once(root: Path) -> None:
    """A client can be written before the handlers: requests are validated, and the examples are answered."""
    take_in(root, DATA / "ocean.yaml")
    document = document_of(root, "ocean")
    api = Api("ocean", document, mount_of(document))
    client = create_app(Settings(mock=True, validate_responses=True), apis=[api]).test_client()
    body = {"to_hash": "abcd", "saved_model": {"assetdid": "a" * 64}}

    assert {"code": 1, "type": "text", "message": "text"} == client.post("/v2/invokesync", json=body).json
    assert {"jobid": "text"} == client.post("/v2/invokeasync", json=body).json
    body["saved_model"] = {"assetdid": "no id"}
    assert 400 == client.post("/v2/invokesync", json=body).status_code


GOOD = """\
openapi: 3.0.3
info: { title: Other, version: "1" }
paths:
  /jobs:
    get:
      operationId: listJobs
      responses:
        "200": { description: Jobs., content: { application/json: { schema: { type: integer }, example: none } } }
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return an OpenAPI 3.0 document with an example that is wrong."""
    path = tmp_path / "Other API.yaml"
    path.write_text(GOOD)
    return path


def test_openapi_3_is_taken_in(root: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name comes from the file; what is missing is added, an example that is wrong is left out, with its line."""
    assert 0 == take_in(root, other)

    said = capsys.readouterr().out
    assert f"{other}:8: The example is left out: it is not what its schema says." in said
    operation = document_of(root, "other_api")["paths"]["/jobs"]["get"]
    assert "GET /jobs." == operation["summary"]
    assert {"$ref": "#/components/responses/Problem"} == operation["responses"]["default"]


def test_an_address_that_is_taken_is_not_taken_again(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What would be served in the place of another API moves to a place of its own, unless that was asked for."""
    other.write_text(GOOD.replace("paths:", "servers: [{ url: /api/v1/manage }]\npaths:"))

    assert 1 == take_in(root, other, "--mount", "/api/v1/manage")
    assert "GET /api/v1/manage/jobs is served already; choose another --mount." in capsys.readouterr().err

    assert 0 == take_in(root, other)
    assert "It is served at /other_api, since GET /api/v1/manage/jobs is served already." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("openapi: 3.0.3", "openapi: 3.1.0", "It is OpenAPI 3.1.0. Give one of OpenAPI 3.0 or Swagger 2.0."),
        ("openapi: 3.0.3", "title: x", "It is no OpenAPI document."),
        ("{ type: integer }", '{ $ref: "https://example.org/x.yaml#/a" }', ":8: error: https://example.org/x.yaml#/a"),
        ("get:", "get: 5\n    put:", ":5: error: OpenAPI 3.0 does not allow this"),
        (
            "      responses:",
            "      parameters: [{ name: a, in: query, content: { a/b: {} } }]\n      responses:",
            "The parameter 'a' has no schema.",
        ),
    ],
    ids=["3.1", "none", "remote", "invalid", "unsupported"],
)
def test_what_cannot_be_served_is_refused(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    """Nothing is written then, and what is wrong is told by the lines of the file that was given."""
    other.write_text(GOOD.replace(old, new))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    status = take_in(root, other)

    assert (1, before) == (status, {path: path.read_bytes() for path in root.rglob("*") if path.is_file()})
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["jobs", "manage", "class", "Shop!", "compute"])
def test_a_name_that_means_something_else_is_refused(
    root: Path, other: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """No room of the house, be it still to come, and no word of Python can be an API."""
    assert 1 == take_in(root, other, "--name", name)
    assert "Nothing was written." in capsys.readouterr().err


def test_taking_in_twice_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there already is edited, not taken in again."""
    take_in(root, DATA / "ocean.yaml")

    assert 1 == take_in(root, DATA / "ocean.yaml")
    assert "ocean.yaml already; edit it, or give another --name." in capsys.readouterr().err
