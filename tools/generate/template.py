"""The model for new operations: the text of an operation's spec, with gaps where it speaks of that operation."""

from __future__ import annotations

import re

NAME = "hash"  # of the operation that is the model
HEAD = """\
openapi: 3.0.3
info:
  title: Ocean invoke, <name>
  version: 1.0.0
  description: <summary>
  license: { name: Apache-2.0, url: "https://www.apache.org/licenses/LICENSE-2.0" }
servers:
  - url: /invoke/<name>
tags:
  - name: <name>
    description: <summary>
"""


def make_model(spec: str) -> str:
    """Return the text of the spec of the operation `NAME` with gaps: `<name>`, `<id>`, `<summary>`, `<shared>`, …."""
    text = HEAD + spec[spec.index("x-openapi-router-controller:") :]
    text = text.replace(f"operationId: {NAME}_", "operationId: <id>_").replace(f"[{NAME}]", "[<name>]")
    text = re.sub(r"(operationId: <id>_a?sync\n +summary:).*", r"\1 <summary>", text)
    text = text.replace("../_shared.yaml", "<shared>")
    own = [name for name in schemas_in(text) if name not in ("Inputs", "Outputs", "Outcome")]
    for name in own:
        text = with_block(text, f"    {name}:", "")
    text = with_block(text, "          examples:", "")
    text = with_block(text, "    Inputs:", "    Inputs:\n<inputs>\n", after="  schemas:")
    text = with_block(text, "    Outputs:", "    Outputs:\n<outputs>\n")
    example = "      example:\n        status: succeeded\n        outputs: <answered>\n        results: <answered>\n"
    return with_block(text, "      example:", example, after="    Outcome:")


def schemas_in(text: str) -> list[str]:
    """Return the names of the schemas that a spec defines itself."""
    return re.findall(r"^    (\w+):", text[text.index("\n  schemas:") :], re.MULTILINE)


def with_block(text: str, line: str, new: str, after: str = "") -> str:
    """Return *text* with *new* in place of the block that begins with *line*, the first after the line *after*."""
    start = text.index(f"\n{after}") if after else 0
    place = text.find(f"\n{line}", start)
    if place < 0:
        return text
    indent = len(line) - len(line.lstrip())
    end = re.compile(rf"\n {{0,{indent}}}\S|\Z").search(text, place + len(line) + 1)
    assert end is not None, "the text ends"
    return text[: place + 1] + new + text[end.start() + 1 :]
