"""A spec and what it refers to become one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.spec.bundle import bundle, make_bundle
from handlers.spec.findings import SpecError
from tests.spec.conftest import Write

SHARED = """\
    components:
      schemas:
        Node:
          type: object
          properties:
            next: { $ref: "#/components/schemas/Node" }
        Name: { type: string }
      responses:
        Failure:
          description: It failed.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Node" }
    """


def references(value: Any) -> Iterator[str]:
    """Yield every $ref that is a text."""
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key == "$ref" and isinstance(item, str))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(item)


def document(path: str = "{}", components: str = "{}") -> str:
    """Return a spec as JSON, which is YAML too."""
    paths = {"/x": json.loads(path)}
    head = {"openapi": "3.0.3", "info": {"title": "x", "version": "1"}}
    return json.dumps({**head, "paths": paths, "components": json.loads(components)}, indent=1)


def test_shared_parts_move_in_under_their_names(write: Write) -> None:
    """What another file defines stands in the document, once, and every reference is local."""
    write(SHARED, "_shared.yaml")
    failure = '{"$ref": "_shared.yaml#/components/responses/Failure"}'
    path = write(document(f'{{"get": {{"responses": {{"400": {failure}, "default": {failure}}}}}}}'))

    result = bundle(path)

    assert {"#/components/responses/Failure", "#/components/schemas/Node"} == set(references(result))
    assert ["Node"] == list(result["components"]["schemas"])


def test_a_name_that_is_taken_gets_the_name_of_the_file(write: Write) -> None:
    """A part never replaces one of the spec's own."""
    write(SHARED, "_shared.yaml")
    shared = {"$ref": "_shared.yaml#/components/schemas/Name"}
    own = json.dumps({"schemas": {"Name": {"type": "integer"}, "Other": shared}})
    inside = json.dumps({"schemas": {"Name": {"type": "integer"}, "List": {"items": shared}}})

    named = bundle(write(document(components=own)))["components"]["schemas"]
    moved = bundle(write(document(components=inside), "other.yaml"))["components"]["schemas"]

    assert {"Name": {"type": "integer"}, "Other": {"type": "string"}} == named
    assert {"$ref": "#/components/schemas/SharedName"} == moved["List"]["items"]
    assert {"type": "string"} == moved["SharedName"]


def test_files_may_refer_back_and_to_themselves(write: Write) -> None:
    """Circles between files end, and what comes back to the spec is its own part."""
    back = '{ $ref: "api.yaml#/components/schemas/Root" }'
    write(SHARED.replace("next:", f"root: {back}\n            next:"), "_shared.yaml")
    own = '{"schemas": {"Root": {"properties": {"node": {"$ref": "_shared.yaml#/components/schemas/Node"}}}}}'

    schemas = bundle(write(document(components=own)))["components"]["schemas"]

    assert ["Root", "Node"] == list(schemas)
    assert {"$ref": "#/components/schemas/Root"} == schemas["Node"]["properties"]["root"]
    assert {"$ref": "#/components/schemas/Node"} == schemas["Node"]["properties"]["next"]


def test_data_is_no_reference(write: Write) -> None:
    """A $ref inside an example, a default or an enum is a value, and so is a property of that name."""
    schema = {
        "type": "object",
        "example": {"$ref": "https://example.org/a"},
        "default": {"$ref": "nowhere.yaml"},
        "properties": {"$ref": {"type": "string"}, "example": {"type": "string"}},
    }
    path = write(document(components=json.dumps({"schemas": {"Thing": schema}})))

    assert schema == bundle(path)["components"]["schemas"]["Thing"]


def test_a_discriminator_follows_its_schemas(write: Write) -> None:
    """The references of a discriminator's mapping move along; bare names stay."""
    write(SHARED, "_shared.yaml")
    mapping = {"a": "_shared.yaml#/components/schemas/Name", "b": "Own"}
    union = {"oneOf": [], "discriminator": {"propertyName": "kind", "mapping": mapping}}
    path = write(document(components=json.dumps({"schemas": {"Union": union}})))

    found = bundle(path)["components"]["schemas"]["Union"]["discriminator"]["mapping"]

    assert {"a": "#/components/schemas/Name", "b": "Own"} == found


PETS = "pets.yaml#/paths/~1pets~1{name}/get"


def linked(reference: str) -> str:
    """Return a spec whose one answer has a link."""
    response = {"description": "", "links": {"pet": {"operationRef": reference}}}
    return document(json.dumps({"get": {"responses": {"200": response}}}))


@pytest.mark.parametrize("folder", ["", "invoke/"])
def test_a_link_leads_from_document_to_document(write: Write, folder: str) -> None:
    """One to an operation of another spec means the document that is served beside this one; others stay."""
    pet = {"responses": {"200": {"description": ""}}}
    write(json.dumps({"openapi": "3.0.3", "paths": {"/pets/{name}": {"get": pet}}}), "pets.yaml")
    up = "../" if folder else ""

    def led(reference: str) -> str:
        answer = bundle(write(linked(reference), f"{folder}api.yaml"))["paths"]["/x"]["get"]["responses"]["200"]
        return str(answer["links"]["pet"]["operationRef"])

    assert f"{up}pets.json#/paths/~1pets~1%7Bname%7D/get" == led(up + PETS)
    assert "#/paths/~1x/get" == led("#/paths/~1x/get")
    assert "https://a.example/b.json#/paths/~1x/get" == led("https://a.example/b.json#/paths/~1x/get")


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        (PETS.replace("get", "post"), "missing-ref"),
        ("pets.yaml#/paths", "link-targets"),
        ("dogs.yaml#/x", "missing-ref"),
    ],
)
def test_a_link_that_leads_to_no_operation_is_said_with_its_line(write: Write, reference: str, rule: str) -> None:
    """So that what is served leads nowhere in vain."""
    write(json.dumps({"openapi": "3.0.3", "paths": {"/pets/{name}": {"get": {"responses": {}}}}}), "pets.yaml")
    path = write(linked(reference))

    with pytest.raises(SpecError) as caught:
        bundle(path)

    assert (path, rule) == (caught.value.finding.file, caught.value.finding.rule)
    assert reference in path.read_text().splitlines()[(caught.value.finding.line or 0) - 1]


def test_every_operation_gets_the_controller(write: Write) -> None:
    """The controller of the document is that of each operation that names none."""
    text = document('{"get": {}, "post": {"x-openapi-router-controller": "mine"}, "parameters": []}')
    path = write(text.replace("{", '{"x-openapi-router-controller": "theirs",', 1))

    item = bundle(path)["paths"]["/x"]

    assert {"x-openapi-router-controller": "theirs"} == item["get"]
    assert {"x-openapi-router-controller": "mine"} == item["post"]


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        ("https://example.org/a.yaml#/x", "remote-ref"),
        ("//example.org/a.yaml", "remote-ref"),
        ("file:///etc/passwd", "remote-ref"),
        ("../outside.yaml#/x", "remote-ref"),
        ("nowhere.yaml#/x", "missing-ref"),
        ("_shared.yaml#/components/schemas/Nothing", "missing-ref"),
        ("#/components/schemas/Nothing", "missing-ref"),
        ("#", "missing-ref"),
        ("#/components/schemas/A/items", "wrong-ref"),
        ("#/components/parameters/P", "wrong-ref"),
    ],
)
def test_a_reference_that_leads_nowhere_is_said_with_its_line(write: Write, reference: str, rule: str) -> None:
    """References to other hosts, out of the folder or to nothing are refused where they are written."""
    write("a: 1", "../outside.yaml")
    write(SHARED, "_shared.yaml")
    spec = f"""\
        openapi: 3.0.3
        components:
          schemas:
            A:
              items:
                $ref: '{reference}'
          parameters:
            P: {{ name: p, in: query }}
        """
    path = write(spec)

    with pytest.raises(SpecError) as caught:
        bundle(path)

    assert (path, rule) == (caught.value.finding.file, caught.value.finding.rule)
    assert caught.value.finding.line in (5, 6)


@pytest.mark.parametrize("text", ["[]", "paths: 1", "paths: {/x: 1}", "components:", "components: {schemas: [1]}"])
def test_what_is_no_spec_is_refused(write: Write, text: str) -> None:
    """A file that has not the shape of a spec is told, not stumbled over."""
    with pytest.raises(SpecError) as caught:
        bundle(write(text))

    assert "openapi" == caught.value.finding.rule


def test_a_link_out_of_the_folder_is_refused(write: Write) -> None:
    """A symbolic link does not lead out of the folder of the specs."""
    outside = write("a: {type: string}", "../outside.yaml")
    (outside.parent / "specs").mkdir(exist_ok=True)
    (outside.parent / "specs" / "link.yaml").symlink_to(outside)
    path = write("components: {schemas: {A: {items: {$ref: 'link.yaml#/a'}}}}")

    with pytest.raises(SpecError, match="leads out of specs/"):
        bundle(path)


def test_each_part_knows_where_it_was_written(write: Write) -> None:
    """A place in the document is a file and a line, also where the part came from another file."""
    shared = write(SHARED, "_shared.yaml")
    path = write("components: {schemas: {A: {items: {$ref: '_shared.yaml#/components/schemas/Name'}}}}")

    found = make_bundle(path)

    assert (shared, 7) == found.place("/components/schemas/Name/type")
    assert (path, 1) == found.place("/components/schemas/A/items")
