"""Write the tables of README.md that code decides: `python -m tools.readme_tables`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from handlers.console.served import is_built
from handlers.settings import Settings
from handlers.spec.documents import Api, read_generated
from handlers.spec.names import function_name

README: Final = Path(__file__).parents[1] / "README.md"
METHODS: Final = ("get", "put", "post", "delete", "patch")


def settings() -> str:
    """Return the settings as a table."""
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "`~/.local/share/seamark`" if name == "home" else shown(field.default)
        lines.append(f"| `SEAMARK_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """Return a default as people set it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in ("", None) else ""


def not_built() -> str:
    """Return the operations whose handlers only say that they are not built, a line for each API."""
    apis = sorted((api for api in read_generated() if not api.name.startswith("invoke/")), key=lambda api: api.name)
    lists = [(api.name, list(missing(api))) for api in apis]
    return "".join(f"- {name}: {', '.join(found)}\n" for name, found in lists if found)


def missing(api: Api) -> Iterator[str]:
    """Yield the operations of an API that are not built."""
    for path, item in api.document["paths"].items():
        for method in METHODS:
            if method in item:
                controller = importlib.import_module(item[method]["x-openapi-router-controller"])
                if not is_built(getattr(controller, function_name(item[method]["operationId"]))):
                    yield f"`{method.upper()} {path}`"


TABLES: Final = {"settings": settings, "not built": not_built}


def part(name: str) -> re.Pattern[str]:
    """Return what finds a table in the README."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


def main() -> None:
    """Write the tables."""
    text = README.read_text()
    for name, make in TABLES.items():
        text = part(name).sub(make().replace("\\", r"\\"), text)
    README.write_text(text)


if __name__ == "__main__":
    main()
