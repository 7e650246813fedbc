"""`seamark asset publish`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click

from handlers.cli.output import json_option, show_json
from handlers.errors import NotFound

if TYPE_CHECKING:
    from handlers.assets.ddo import Sale
    from handlers.assets.resolver import Resolver
    from handlers.settings import Settings

CONTAINER: Final = ("entrypoint", "image", "tag")
AMOUNT: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,18})?")


@click.command("publish")
@click.argument("source", metavar="FILE|URL")
@click.option("--name", default="", help="What people call it; else the file's name.")
@click.option("--type", "content_type", default="", help="Media type; else guessed.")
@click.option("--author", default="", help="Who made it.")
@click.option("--license", "license_name", default="", help="Under which terms.")
@click.option("--description", default="", help="What it is.")
@click.option("--price", default="0", show_default=True, help="Datatokens for one order; 0 is free.")
@click.option(
    "--service",
    "services",
    type=click.Choice(["access", "compute"]),
    multiple=True,
    help="What is sold: downloads, or computing on it; may repeat.  [default: access]",
)
@click.option("--timeout", "timeout_s", default=0, type=click.IntRange(0), help="How long an order is good, in s.")
@click.option("--allow", metavar="ADDRESS", multiple=True, help="Only this address may have it; may repeat.")
@click.option("--deny", metavar="ADDRESS", multiple=True, help="This address may not have it; may repeat.")
@click.option("--allow-raw-algorithm", is_flag=True, help="Let code compute on it that callers bring along.")
@click.option("--allow-network", is_flag=True, help="Let algorithms that compute on it use the network.")
@click.option("--trusted-algorithm", "algorithms", metavar="DID", multiple=True, help="One that may; may repeat.")
@click.option("--entrypoint", default="", help="Of an algorithm: its command, such as 'python $ALGO'.")
@click.option("--image", default="", help="Of an algorithm: the image in which it runs.")
@click.option("--tag", default="latest", show_default=True, help="Of an algorithm: the tag of the image.")
@click.option("--mint", metavar="ADDRESS=TOKENS", multiple=True, help="Give datatokens to an address; may repeat.")
@click.option("--endpoint", default="", help="This server's address, as buyers see it; else SEAMARK_PUBLIC_URL.")
@click.option("--url", envvar="SEAMARK_URL", hidden=True)
@json_option
def command(source: str, mint: tuple[str, ...], url: str | None, as_json: bool, **given: Any) -> None:
    """Offer FILE, or what is at URL, to buyers: seal where it is, make its datatoken, and register its DDO.

    Works on the configured store: the provider's key and the chain are this machine's. With --entrypoint and --image
    it is an algorithm.
    """
    if url:
        raise click.UsageError("It works on the configured store, whose keys seal and pay; unset SEAMARK_URL.")
    from handlers.services import start
    from handlers.settings import Settings
    from handlers.storage.migrate import upgrade

    given_away, algorithms = amounts(mint), given.pop("algorithms")
    if given_away and not given["price"].strip("0. "):
        raise click.UsageError("--mint is for what has a --price: what is free has no datatokens.")
    settings = Settings()
    described = {name: given.pop(name) for name in ("name", "content_type", "author", "license_name", "description")}
    sale = sale_of(given | {"trusted": bool(algorithms)}, settings)
    here = start(settings)
    upgrade(here.database)
    sale = trusting(sale, algorithms, here.resolver)
    described["kind"] = "algorithm" if sale.container else "dataset"

    def tell(token: str) -> None:
        click.echo(f"  datatoken {token}", err=True)

    try:
        asset = here.publisher.publish(source, sale, described, tell)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--price") from error
    here.publisher.mint(asset, dict(given_away))
    here.close()
    show(asset.ddo, as_json)


def sale_of(given: dict[str, Any], settings: Settings) -> Sale:
    """Return how the options want an asset to be offered.

    Raises:
        UsageError: Some do not go together.
    """
    from handlers.assets.ddo import Sale

    given["services"] = given["services"] or ("access",)
    given["endpoint"] = given["endpoint"].rstrip("/") or address_of(settings)
    container = container_of(*(given.pop(name) for name in CONTAINER))
    return Sale(container=container, privacy=privacy_of(given), **given)


def address_of(settings: Settings) -> str:
    """Return where clients find this server: those of this machine at least."""
    from handlers.cli import home, programs

    here = settings.public_url.rstrip("/") or home.noted_url(settings) or programs.address_of(settings, settings.port)
    return here + settings.mount_points.get("provider", "").rstrip("/")


def container_of(entrypoint: str, image: str, tag: str) -> Mapping[str, str]:
    """Return how an algorithm is run; nothing where it is none.

    Raises:
        UsageError: One of the two is missing.
    """
    if bool(entrypoint) != bool(image):
        raise click.UsageError("--entrypoint and --image go together: they make an algorithm of it.")
    return {"entrypoint": entrypoint, "image": image, "tag": tag} if image else {}


def privacy_of(given: dict[str, Any]) -> Mapping[str, Any]:
    """Take what says which algorithms may compute on an asset out of the options, and return it as a DDO has it.

    Raises:
        UsageError: No computing is sold.
    """
    raw, network, trusted = (given.pop(name) for name in ("allow_raw_algorithm", "allow_network", "trusted"))
    if (raw or network or trusted) and "compute" not in given["services"]:
        raise click.UsageError("Which algorithms may compute on it is said with --service compute only.")
    return {
        "allowRawAlgorithm": raw,
        "allowNetworkAccess": network,
        "allowAllPublishedAlgorithms": False,
        "publisherTrustedAlgorithms": [],
    }


def trusting(sale: Sale, algorithms: Sequence[str], assets: Resolver) -> Sale:
    """Return how an asset is sold, with the algorithms that may compute on it as they are today.

    Raises:
        BadParameter: One is not known here, so that nobody can tell what it is.
    """
    from handlers.compute.privacy import trust

    try:
        entries = [trust(assets.read(did)) for did in algorithms]
    except NotFound as error:
        raise click.BadParameter(error.detail, param_hint="--trusted-algorithm") from error
    return replace(sale, privacy={**sale.privacy, "publisherTrustedAlgorithms": entries})


def amounts(pairs: Sequence[str]) -> Sequence[tuple[str, Decimal]]:
    """Return who gets how many datatokens.

    Raises:
        BadParameter: A pair says neither.
    """
    from handlers.chain.orders import is_address

    found = []
    for pair in pairs:
        address, _, tokens = pair.partition("=")
        if not is_address(address) or not AMOUNT.fullmatch(tokens):
            raise click.BadParameter(f"{pair!r} is not ADDRESS=TOKENS.", param_hint="--mint")
        found.append((address, Decimal(tokens)))
    return found


def show(ddo: Mapping[str, Any], as_json: bool) -> None:
    """Say what was published, and what to try with it."""
    from handlers.chain.orders import NOBODY

    if as_json:
        show_json(ddo)
        return
    click.echo(ddo["id"])
    for service in ddo["service"][1:]:
        main = service["attributes"]["main"]
        price = f"{main['cost']} datatokens" if ddo.get("dataToken") else "free"
        click.echo(f"  service {service['index']}, {service['type']}: {price}", err=True)
    first = ddo["service"][1]
    (buyer, *_) = [one for rule in ddo.get("credentials", {}).get("allow", []) for one in rule["values"]] or [NOBODY]
    query = f"documentId={ddo['id']}&serviceId={first['index']}&consumerAddress={buyer}"
    click.echo(f"Try: curl '{first['serviceEndpoint']}/api/v1/services/initialize?{query}'", err=True)
    if first["serviceEndpoint"].startswith("http://127."):
        click.echo("Buyers elsewhere do not find that address: give --endpoint, or SEAMARK_PUBLIC_URL.", err=True)
