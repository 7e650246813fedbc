"""Write clients: `python -m tools.clients python go --document http://127.0.0.1:8030/openapi/konduit.json`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tools.clients.document import client_document, read_document
from tools.clients.errors import NotGenerated
from tools.clients.generator import write_client
from tools.clients.languages import LANGUAGES


@click.command()
@click.argument("languages", metavar="LANGUAGE...", nargs=-1, required=True, type=click.Choice(sorted(LANGUAGES)))
@click.option("--api", default="konduit", show_default=True, help="Name in generated/, such as ops or invoke/hash.")
@click.option("--document", help="File or URL of the OpenAPI document, instead of generated/API.json.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("clients"), show_default=True)
def main(languages: tuple[str, ...], api: str, document: str | None, out: Path) -> None:
    """Write a client of an API for each LANGUAGE into a folder of that name."""
    try:
        wanted = client_document(read_document(document or f"generated/{api}.json"))
        for language in languages:
            print(write_client(wanted, LANGUAGES[language], api, out / language))
    except NotGenerated as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
