"""The spec of a new operation: the model that `seamark generate` took from specs/invoke/hash.yaml, filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from handlers.operations.scaffold.fields import Field
from handlers.operations.signatures import argument
from handlers.spec.documents import DocumentMissing, generated_folder

MODEL: Final = "_operation.yaml.txt"
SHARED: Final = "_shared.yaml"
TEXT_LIMIT: Final = 1_000_000  # characters of a text that comes as an input


def packaged(name: str) -> str:
    """Return a text that `seamark generate` left in `generated/`, without the line that says so.

    Raises:
        DocumentMissing: It did not.
    """
    path = generated_folder() / name
    if not path.is_file():
        raise DocumentMissing(f"There is no {path}. Run `seamark generate` in a checkout, or install Seamark anew.")
    return path.read_text("utf-8").partition("\n")[2]


def spec_text(name: str, summary: str, inputs: Sequence[Field], outputs: Sequence[Field], *, shared: str) -> str:
    """Return the YAML of an operation.

    Args:
        name: The operation's.
        summary: What it does, in a sentence.
        inputs: What it takes.
        outputs: What it gives.
        shared: Path of the common parts, seen from the new file.
    """
    values = {
        "name": name,
        "id": argument(name),
        "summary": json.dumps(summary, ensure_ascii=False),
        "shared": shared,
        "inputs": schema_text(inputs, shared, limit=True),
        "outputs": schema_text(outputs, shared, limit=False),
        "answered": example(outputs),
    }
    return re.sub(r"<(\w+)>", lambda match: values.get(match[1], match[0]), packaged(MODEL))


def schema_text(fields: Sequence[Field], shared: str, *, limit: bool) -> str:
    """Return a schema `Inputs` or `Outputs`; *limit*: its texts have an end."""
    required = ", ".join(field.name for field in fields if field.required)
    lines = ["type: object", *([f"required: [{required}]"] if required else [])]
    lines += ["properties:" if fields else "properties: {}"]
    for field in fields:
        lines += [f"  {field.name}:", *(f"    {line}" for line in property_lines(field, shared, limit=limit))]
    lines += ["additionalProperties: false", f"example: {example(fields)}"]
    return "\n".join(f"      {line}" for line in lines)


def example(fields: Sequence[Field]) -> str:
    """Return an example of what the fields hold."""
    return json.dumps({field.name: field.example for field in fields if field.required}, ensure_ascii=False)


def property_lines(field: Field, shared: str, *, limit: bool) -> Iterator[str]:
    """Yield what the schema says of one field."""
    if field.type == "asset":
        yield f'$ref: "{shared}#/components/schemas/AssetReference"'
        return
    yield f"type: {field.type}"
    yield f"description: What `{field.name}` is."
    if field.type == "string" and limit:
        yield f"maxLength: {TEXT_LIMIT}"
    if field.type == "array":
        yield "items: {}"
    if field.type == "object":
        yield "additionalProperties: true"
    if field.default is not None:
        yield f"default: {json.dumps(field.default, ensure_ascii=False)}"
