"""The function of a new operation, from its spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.operations.scaffold.fields import TYPES
from handlers.operations.signatures import argument
from handlers.spec.shape import follow, operations

WIDTH: Final = 120

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Property:
    """One member of the schema `Inputs` or `Outputs`."""

    name: str
    type: str  #: one of `TYPES`, or "" where the schema does not say
    schema: Document
    required: bool


@dataclass(frozen=True)
class Parameter:
    """One parameter of the function."""

    text: str
    words: str  #: what it means


def properties(document: Document, which: str) -> list[Property]:
    """Return the members of the schema `Inputs` or `Outputs`."""
    schema = follow(document, document.get("components", {}).get("schemas", {}).get(which, {}))
    required = schema.get("required", ())
    found = {name: follow(document, part) for name, part in schema.get("properties", {}).items()}
    return [
        Property(name, "asset" if part.get("x-asset") else part.get("type", ""), part, name in required)
        for name, part in found.items()
    ]


def function_text(name: str, document: Document) -> str:
    """Return the module of the operation *name*, from its bundled document."""
    inputs, outputs = properties(document, "Inputs"), properties(document, "Outputs")
    parameters = list(parameters_of(inputs))
    folder = [Parameter("directory: Path", "An empty folder to write files in.")] if has_assets(outputs) else []
    parts = [
        f'"""The operation `{name}`."""\n',
        *(["# ruff: noqa: ARG001 - nothing reads the inputs yet.\n"] if parameters or folder else []),
        "from __future__ import annotations\n",
        *imports(writes=bool(folder), reads=has_assets(inputs)),
        "\n",
        head([*parameters, *([Parameter("*", "")] if folder else []), *folder]),
        docstring(summary_of(document, name), [*parameters, *folder], outputs),
        f'    raise NotBuilt("The operation {name} is not built yet.")\n',
    ]
    return "\n".join(parts)


def has_assets(members: Sequence[Property]) -> bool:
    """Tell whether an asset is among *members*."""
    return any(each.type == "asset" for each in members)


def imports(*, writes: bool, reads: bool) -> Iterator[str]:
    """Yield the imports of the module."""
    if writes:
        yield "from pathlib import Path"
    yield "from typing import Any\n"
    yield "from handlers.errors import NotBuilt"
    if reads:
        yield "from handlers.operations.values import AssetFile"


def parameters_of(inputs: Sequence[Property]) -> Iterator[Parameter]:
    """Yield a parameter for each input, those that must be there first."""
    for each in sorted(inputs, key=lambda one: not one.required):
        type_ = TYPES[each.type][0] if each.type in TYPES else "Any"
        words = str(each.schema.get("description", f"The input `{each.name}`."))
        words = "An asset: `path` is its file, `name` what people call it." if each.type == "asset" else words
        yield Parameter(f"{argument(each.name)}: {type_}{default_of(each, type_)}", words)


def default_of(each: Property, type_: str) -> str:
    """Return what follows the type of an input that may be missing."""
    default = each.schema.get("default")
    if each.required:
        return ""
    if isinstance(default, str):
        return f" = {json.dumps(default, ensure_ascii=False)}"
    if isinstance(default, int | float):
        return f" = {default}"
    return " = None" if type_ == "Any" else " | None = None"


def head(parameters: Sequence[Parameter]) -> str:
    """Return the lines up to the docstring."""
    texts = [each.text for each in parameters]
    line = f"def run({', '.join(texts)}) -> dict[str, Any]:"
    if len(line) <= WIDTH:
        return line
    return "\n".join(["def run(", *(f"    {each}," for each in texts), ") -> dict[str, Any]:"])


def docstring(summary: str, parameters: Sequence[Parameter], outputs: Sequence[Property]) -> str:
    """Return the docstring: what the function does, takes and gives."""
    lines = [f'    """{summary}']
    if parameters:
        lines += ["", "    Args:"]
        lines += [f"        {each.text.partition(':')[0]}: {one_line(each.words)}" for each in parameters]
    if outputs:
        lines += ["", "    Returns:"]
        lines += [f"        `{each.name}`{maybe(each)}: {gives(each)}" for each in outputs]
    if len(lines) == 1:
        return f'{lines[0]}"""'
    return "\n".join([*map(shortened, lines), '    """'])


def maybe(output: Property) -> str:
    """Say that an output may be missing, if it may."""
    return "" if output.required else ", which may be missing"


def gives(output: Property) -> str:
    """Return what an output is."""
    if output.type == "asset":
        return "A `NewAsset`: a file in *directory*."
    return one_line(str(output.schema.get("description", f"The output `{output.name}`.")))


def summary_of(document: Document, name: str) -> str:
    """Return what the operation does, in a sentence."""
    summaries = [operation["summary"] for *_, operation in operations(document) if "summary" in operation]
    words = one_line((summaries or [f"Do {name}."])[0])
    return words if words.endswith((".", "!", "?")) else f"{words}."


def one_line(text: str) -> str:
    """Return *text* in one line that cannot end a docstring."""
    return " ".join(text.split()).replace("\\", "/").replace('"""', "'''")


def shortened(line: str) -> str:
    """Return a line of a docstring that is not too long."""
    return line.rstrip() if len(line) <= WIDTH else f"{line[: WIDTH - 2].rpartition(' ')[0]} …"
