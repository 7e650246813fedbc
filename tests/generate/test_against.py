"""What breaks clients since a git revision is found, and nothing else is."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.generate import ROOT, main

GOLDEN = ROOT / "tests" / "golden"


def git(root: Path, *arguments: str) -> None:
    """Run git as somebody."""
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Return the pet shop's spec in a repository in which it is committed."""
    shutil.copytree(GOLDEN / "specs", tmp_path / "specs")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "specs: as they were")
    return tmp_path / "specs" / "petshop.yaml"


def against(spec: Path, capsys: pytest.CaptureFixture[str], *options: str, revision: str = "HEAD") -> tuple[int, str]:
    """Return the exit status and what was said."""
    status = main([f"--against={revision}", *options, "--specs", str(spec.parent)])
    said = capsys.readouterr()
    return status, said.out + said.err


def edit(spec: Path, old: str, new: str) -> None:
    """Replace the first of a text in the spec."""
    text = spec.read_text("utf-8")
    assert old in text
    spec.write_text(text.replace(old, new, 1))


def test_nothing_breaks_where_nothing_changed(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same specs break nobody, recursive schemas included."""
    assert (0, "Nothing breaks clients since HEAD.\n") == against(spec, capsys)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("  /raw:\n    $ref: \"paths/raw.yaml\"\n", "", "POST /raw: The operation is gone."),
        ("url: /shop", "url: /zoo", "It was served at /shop and is now at /zoo."),
        ("operationId: listPets", "operationId: list_all", "The operationId was listPets and is now list_all."),
        ("name: kind, in: query", "name: sort, in: query", "GET /pets: The query parameter kind is gone."),
        ("in: query, schema: { type: number }", "in: query, required: true, schema: { type: number }",
         "The query parameter from has to be there now."),
        ("items: { type: integer } } }", "items: { type: string } } }",
         "An item of the query parameter ids was integer and is now string."),
        ("enum: [name, age]", "enum: [name]", 'The query parameter order may no longer be "age".'),
        ("{ type: number }", "{ type: number, minimum: 0 }",
         "The minimum of the query parameter from was free and is now 0."),
        ("date, nullable: true", "date", "The query parameter born-after may no longer be null."),
        ("x-scopes: [manage]", "x-scopes: [manage, own]", "DELETE /pets/{petId}: It needs the scope own now."),
        ("security:\n  - {}\n  - token", "security:\n  - token", "GET /pets: It needs credentials now."),
        ("maxLength: 80", "maxLength: 40", "The maxLength of `caption` of the body was 80 and is now 40."),
        ("required: [photo]", "required: [photo, caption]", "`caption` of the body has to be there now."),
        ("                caption: { type: string, maxLength: 80 }\n", "", "`caption` of the body is no longer known."),
        ("multipart/form-data", "application/x-www-form-urlencoded",
         "A body of the type multipart/form-data is no longer taken."),
        ("enum: [cat, dog]", "enum: [cat]", 'The query parameter kind may no longer be "dog".'),
        ("enum: [cat, dog]", "enum: [cat, dog, cow]", 'may now be "cow".'),
        ("required: [nonce]", "required: []", "`nonce` of the answer 200 may be missing now."),
        ("{ nonce: { type: integer } }", "{ nonce: { type: string } }",
         "`nonce` of the answer 200 was integer and is now string."),
        ("{ nonce: { type: integer } }", "{ nonce: { type: integer, nullable: true } }",
         "`nonce` of the answer 200 may now be null."),
        ("            image/png:", "            image/webp:", "The answer 200 of the type image/png is gone."),
        ('"204": { description: It is gone. }', '"200": { description: It is gone. }', "The answer 204 is gone."),
        ("          headers:\n            Location: { $ref: \"_shared.yaml#/components/headers/Location\" }\n", "",
         "The header Location of the answer 201 is gone."),
        ('                  - { $ref: "#/components/schemas/Pet" }\n', "                  - { type: object }\n",
         "The answer 200 may now be what its variant 0 is."),
    ],
)  # fmt: skip
def test_a_break_is_found(spec: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, found: str) -> None:
    """What is gone, narrower to send or wider to receive fails, and is told with file and line."""
    edit(spec, old, new)

    status, said = against(spec, capsys)

    assert 1 == status
    lines = [line for line in said.splitlines() if found in line]
    assert lines, said
    assert all(line.startswith(f"{spec}:") and ": breaking: " in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("summary: Read one pet.", "summary: Read a pet."),
        ("enum: [name, age]", "enum: [name, age, size]"),
        ("maxLength: 80", "maxLength: 800"),
        ("required: [photo]", "required: []"),
        ("{ name: kind, in: query", "{ name: new, in: query, schema: {} }\n        - { name: kind, in: query"),
        ("next: { type: string, nullable: true }", "next: { type: string }"),
        ("{ nonce: { type: integer } }", "{ nonce: { type: integer }, more: { type: string } }"),
        ("required: [pets]", "required: [pets, next]"),
        ("x-scopes: [manage]\n", "\n"),
        ("  /nonce:\n", "  /other:\n    get:\n      operationId: other\n      summary: Do.\n      responses:\n"
         "        default: { description: It failed. }\n  /nonce:\n"),
        ("schema: { type: number }", "schema: {}"),
    ],
)  # fmt: skip
def test_what_clients_can_live_with_is_none(spec: Path, capsys: pytest.CaptureFixture[str], old: str, new: str) -> None:
    """What is wider to send, narrower to receive or merely new breaks nobody."""
    edit(spec, old, new)

    assert (0, "Nothing breaks clients since HEAD.\n") == against(spec, capsys)


def test_a_parameter_of_the_path_may_not_change_its_name_unseen(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The address stays, but functions that are made of the spec do not."""
    spec.write_text(spec.read_text("utf-8").replace("petId", "id"))

    _, said = against(spec, capsys)

    assert "GET /pets/{petId}: The path parameter petId is now called id." in said
    assert "gone" not in said


def test_a_shared_part_breaks_where_it_is_used(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A part in another file breaks the operations that use it, and is told there."""
    shared = spec.with_name("_shared.yaml")
    edit(shared, "minimum: 1", "minimum: 5")

    _, said = against(spec, capsys)

    assert "GET /pets: The minimum of the query parameter limit was 1 and is now 5." in said


def test_an_api_that_is_gone_breaks(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spec that was there has to be there."""
    spec.unlink()

    assert (1, f"{spec}:1: breaking: The API is gone. [petshop]\n") == against(spec, capsys)


def test_a_new_version_may_break(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What breaks is told all the same, but an API whose version says so is no failure."""
    edit(spec, 'version: "1"', 'version: "2"')
    edit(spec, "operationId: listPets", "operationId: list_all")

    status, said = against(spec, capsys)

    assert 0 == status
    assert ": allowed: GET /pets: The operationId was listPets and is now list_all. [petshop]" in said


def test_programs_get_json(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as members of a document."""
    edit(spec, "url: /shop", "url: /zoo")

    status, said = against(spec, capsys, "--json")

    assert 1 == status
    expected = {
        "api": "petshop",
        "operation": "",
        "file": str(spec),
        "line": 6,
        "message": "It was served at /shop and is now at /zoo.",
        "allowed": False,
    }
    assert {"against": "HEAD", "breaking": [expected]} == json.loads(said)


def test_the_last_tag_is_found(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CI compares with the last tag; before there is one nobody relies on anything."""
    assert 0 == against(spec, capsys, revision="last-tag")[0]

    git(spec.parent, "tag", "v1")
    edit(spec, "url: /shop", "url: /zoo")
    git(spec.parent, "commit", "-q", "-a", "-m", "specs: move")

    assert 0 == against(spec, capsys)[0]
    assert 1 == against(spec, capsys, revision="last-tag")[0]


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD:specs"])
def test_a_revision_that_is_none_is_told(spec: Path, capsys: pytest.CaptureFixture[str], revision: str) -> None:
    """What git does not know is an error, and never an option."""
    status, said = against(spec, capsys, revision=revision)

    assert 1 == status
    assert f"cannot be compared with {revision}" in said
