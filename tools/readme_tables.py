"""Write the tables of README.md that code decides: `python -m tools.readme_tables`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from handlers.settings import Settings

README: Final = Path(__file__).parents[1] / "README.md"


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


TABLES: Final = {"settings": settings}


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
