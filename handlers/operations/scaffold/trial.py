"""A first test of a new operation, from its spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from handlers.operations.scaffold.fields import TYPES
from handlers.operations.scaffold.function import Property, has_assets, properties
from handlers.operations.signatures import argument
from handlers.spec.sample import sample

Document = Mapping[str, Any]


def trial_text(name: str, document: Document, *, outside: bool) -> str:
    """Return a test of an operation; *outside*: it lies beside its spec, not in a checkout."""
    inputs, outputs = properties(document, "Inputs"), properties(document, "Outputs")
    needed = [each for each in inputs if each.required]
    files = [argument(each.name) for each in needed if each.type == "asset"]
    given = [f"{argument(each.name)}={value_of(document, each)}" for each in needed]
    given += ["directory=tmp_path"] if has_assets(outputs) else []
    folder = bool(files) or has_assets(outputs)
    parts = [
        f'"""The operation `{name}`."""\n',
        *imports(name, outputs, reads=bool(files), folder=folder, outside=outside),
        *([f'\nSPEC = Path(__file__).with_name("{name}.yaml")'] if outside else []),
        *([HELPER] if files else []),
        f'\n\n@pytest.mark.xfail(raises=NotBuilt, reason="{name} is not built yet")  # remove this once it is',
        f"def test_it_gives_what_its_spec_says({'tmp_path: Path' if folder else ''}) -> None:",
        '    """Every output is there, and of its type."""',
        *(["    run = operation_of(read_operation(SPEC.stem, SPEC)).function()"] if outside else []),
        *(f'    {each} = make_asset(tmp_path / "{each}.txt", "some text\\n")' for each in files),
        *([""] if files or outside else []),
        f"    outputs = {'run' if outside else f'{argument(name)}.run'}({', '.join(given)})\n",
        f"    assert {names_of(outputs)} == outputs.keys()",
        *(f"    {type_check(each)}" for each in outputs if each.required and each.type in TYPES),
    ]
    return "\n".join(parts) + "\n"


def imports(name: str, outputs: Sequence[Property], *, reads: bool, folder: bool, outside: bool) -> Iterator[str]:
    """Yield the imports of the test."""
    if folder or outside:
        yield "from pathlib import Path\n"
    yield "import pytest\n"
    yield "from handlers.errors import NotBuilt"
    if outside:
        yield "from handlers.operations.catalogue import operation_of"
    else:
        yield f"from handlers.operations import {argument(name)}"
    values = [*(["AssetFile"] if reads else []), *(["NewAsset"] if has_assets(outputs) else [])]
    if values:
        yield f"from handlers.operations.values import {', '.join(values)}"
    if outside:
        yield "from handlers.spec.outside import read_operation"


def value_of(document: Document, each: Property) -> str:
    """Return the Python of an input; an asset was made under its name before."""
    if each.type == "asset":
        return argument(each.name)
    value = sample(document, each.schema)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def names_of(outputs: Sequence[Property]) -> str:
    """Return the set of the outputs' names."""
    names = ", ".join(f'"{each.name}"' for each in outputs if each.required)
    return f"{{{names}}}" if names else "set()"


def type_check(each: Property) -> str:
    """Return the line that looks at the type of an output."""
    type_ = {"asset": "NewAsset", "number": "int | float"}.get(each.type, TYPES[each.type][0].partition("[")[0])
    return f'assert isinstance(outputs["{each.name}"], {type_})'


HELPER: Final = '''

def make_asset(path: Path, text: str) -> AssetFile:
    """Write a file and return it as the function gets an asset."""
    path.write_text(text)
    size = path.stat().st_size
    return AssetFile(did="did:op:" + "0" * 64, name=path.name, content_type="text/plain", path=path, size=size)
'''.rstrip()
