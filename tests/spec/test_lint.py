"""What is wrong in a spec is found, with its line and what to do."""

from __future__ import annotations

import pytest

from handlers.spec.lint import lint
from tests.spec.conftest import Write

GOOD = """\
openapi: 3.0.3
info: { title: Good, version: "1" }
x-openapi-router-controller: handlers.good
paths:
  /things/{id}:
    get:
      operationId: read_thing
      summary: Read a thing.
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
      responses:
        "200":
          description: The thing.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Thing" }
              example: { id: 1 }
        default: { description: It failed. }
components:
  schemas:
    Thing:
      type: object
      required: [id]
      properties:
        id: { type: integer, nullable: true }
"""


def test_a_good_spec_has_no_finding(write: Write) -> None:
    """Nothing is found where nothing is wrong."""
    assert [] == lint(write(GOOD))


@pytest.mark.parametrize(
    ("old", "new", "line", "rule"),
    [
        ("      operationId: read_thing\n", "", 6, "operation-id"),
        ("operationId: read_thing", "operationId: read thing", 7, "operation-id"),
        ("      summary: Read a thing.\n", "", 6, "summary"),
        ("x-openapi-router-controller: handlers.good\n", "", 5, "controller"),
        ("/things/{id}:", "/things/{id}/{part}:", 6, "path-parameters"),
        ("/things/{id}:", "/things:", 6, "path-parameters"),
        ("operationId: read_thing", "operationId: list", 7, "builtin-name"),
        ("            application/json:", "            a/b: {}\n            application/json:", 14, "media-types"),
        ('        default: { description: It failed. }\n', "", 11, "error-answer"),
        ("example: { id: 1 }", "example: { id: one }", 17, "examples"),
        ("type: integer, nullable: true", "type: integer, default: one", 25, "examples"),
        ("summary: Read a thing.", "summary: A.\n      security: [{ key: [] }]", 9, "security-names"),
        ("content:", "links: { x: { operationId: nothing } }\n          content:", 14, "link-targets"),
        ("- { name: id,", "- { name: i-d, in: query, schema: {} }\n        - { name: id,", 6, "argument-names"),
        ("title: Good,", "", 2, "openapi"),
        ("    Thing:\n", "    Union: { oneOf: [{ type: integer }, { type: number }] }\n    Thing:\n", 21, "one-of"),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(write: Write, old: str, new: str, line: int, rule: str) -> None:
    """One change for the worse is one finding, in its line."""
    assert old in GOOD

    found = lint(write(GOOD.replace(old, new)))

    assert [(line, rule)] == [(finding.line, finding.rule) for finding in found]
    assert all(finding.message and finding.mend for finding in found)


def test_two_operations_with_one_function_are_told(write: Write) -> None:
    """Ids that differ in style only would meet in one function."""
    again = GOOD[GOOD.index("    get:") : GOOD.index("components:")].replace("get:", "put:").replace("_t", "T")
    path = write(GOOD.replace("components:", again + "components:"))

    assert ["operation-id"] == [finding.rule for finding in lint(path)]


MINE = """\
  /things/mine:
    get:
      operationId: read_mine
      summary: Read what is mine.
      responses:
        default: { description: It failed. }
"""


@pytest.mark.parametrize(
    ("path", "method", "found"),
    [
        ("/things/mine", "get", ["shadowed-path"]),
        ("/things/mine", "put", []),
        ("/things/mine/parts", "get", []),
        ("/thing", "get", []),
    ],
)
def test_a_path_behind_one_that_would_take_it_is_told(write: Write, path: str, method: str, found: list[str]) -> None:
    """A path that a template before it fits may never be asked; before the template it is."""
    mine = MINE.replace("/things/mine", path).replace("get", method)
    behind = GOOD.replace("components:", f"{mine}components:")
    before = GOOD.replace("paths:\n", f"paths:\n{mine}")

    assert found == [finding.rule for finding in lint(write(behind, "behind.yaml"))]
    assert [] == lint(write(before, "before.yaml"))


def test_two_templates_that_mean_the_same_are_told(write: Write) -> None:
    """Paths that differ in the names of their parameters only are one."""
    other = GOOD[GOOD.index("  /things") : GOOD.index("components:")].replace("read_thing", "read_it")
    path = write(
        GOOD.replace("components:", other.replace("{id}", "{it}").replace("name: id", "name: it") + "components:")
    )

    assert [(19, "shadowed-path")] == [(finding.line, finding.rule) for finding in lint(path)]


def body(types: str) -> str:
    """Return the good spec with a request body of the given media types."""
    return GOOD.replace("      parameters:", f"      requestBody: {{ content: {{ {types} }} }}\n      parameters:")


def test_a_finding_is_accepted_with_a_reason(write: Write) -> None:
    """What the spec says it breaks, and why, is no finding; without a reason it is."""
    broken = body("application/json: {}, text/plain: {}")
    allowed = broken.replace("summary:", "x-lint-allow: { media-types: Old clients. }\n      summary:")

    assert ["warning"] == [finding.level for finding in lint(write(broken))]
    assert [] == lint(write(allowed, "allowed.yaml"))
    assert ["media-types"] == [
        finding.rule for finding in lint(write(allowed.replace("Old clients.", '""'), "no.yaml"))
    ]


def test_what_is_accepted_in_vain_is_told(write: Write) -> None:
    """A rule that nothing breaks is not to be accepted."""
    path = write(GOOD.replace("      summary:", "      x-lint-allow: { media-types: Old. }\n      summary:"))

    assert [(8, "lint-allow")] == [(finding.line, finding.rule) for finding in lint(path)]


@pytest.mark.parametrize(
    "variants",
    [
        "{ type: string }, { type: object }",
        "{ type: string, enum: [a] }, { type: string, enum: [b] }",
        "{ type: object, additionalProperties: false, properties: { a: {} } }, { type: object, required: [b] }",
        "{ type: object, required: [k], properties: { k: { enum: [1] } } },"
        " { type: object, required: [k], properties: { k: { enum: [2] } } }",
    ],
)
def test_variants_that_exclude_each_other_are_fine(write: Write, variants: str) -> None:
    """A oneOf whose variants can be told apart is no finding."""
    assert [] == lint(write(f"{GOOD}    Union: {{ oneOf: [{variants}] }}\n"))


def test_examples_of_requests_leave_out_what_only_answers_have(write: Write) -> None:
    """A required member that is readOnly is not missed in the example of a request, but in that of an answer."""
    media = "application/json: { schema: { $ref: '#/components/schemas/Thing' }, example: {} }"
    path = write(body(media).replace("nullable: true", "readOnly: true"))

    assert [] == lint(path)


def test_a_fault_in_a_shared_part_is_told_there(write: Write) -> None:
    """A finding names the file in which the part was written."""
    shared = write("components: { schemas: { Thing: { type: integer,\n  example: one } } }", "_shared.yaml")
    path = write(
        GOOD.replace("#/components/schemas/Thing", "_shared.yaml#/components/schemas/Thing").replace(
            "example: { id: 1 }", "example: 1"
        )
    )

    assert [(shared, 2, "examples")] == [(finding.file, finding.line, finding.rule) for finding in lint(path)]


def test_a_file_that_cannot_be_read_is_a_finding(write: Write) -> None:
    """What stops the reading is told like any other fault."""
    assert ["duplicate-key"] == [finding.rule for finding in lint(write("a: 1\na: 2\n"))]
