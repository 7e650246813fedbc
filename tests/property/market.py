"""What makes requests to Provider and the metadata store real: assets, orders, and signatures as clients make them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from eth_account import Account
from eth_account.messages import encode_defunct

from handlers.demo.node import secret_of
from handlers.files.sealed import seal
from handlers.keys import Keys
from tests.files.upstream import ranging

BODY = b"id,value\n1,5.1\n"
BUYER = Account.from_key(secret_of(1))


class Market:
    """Assets of every kind, and one who may have them."""

    chapters = itertools.count()  # of all markets of a process, so that each names its assets otherwise

    def __init__(self, here, shop, upstream):
        """Publish the assets and order those that have a price."""
        self.here = here
        self.shop = shop
        self.begin()
        self.url = upstream.url + "/rows.csv"
        upstream.paths["/rows.csv"] = ranging(BODY, Content_Type="text/csv", ETag='"v1"')
        kept = here.settings.home / "rows.csv"
        kept.write_bytes(BODY)
        self.free = [here.assets.add(kept).did, self.publish()]
        self.priced = self.publish(cost="2")
        self.closed = [
            self.publish(credentials={"allow": [{"type": "address", "values": ["0x" + "12" * 20]}]}),
            self.publish(status={"isRetired": True}),
        ]
        self.order = shop.order(2, payer=BUYER.address)
        self.registered = self.publish()

    def begin(self):
        """Begin anew: what is done after this is the same each time, but for the names of new assets."""
        self.chapter = next(self.chapters)
        self.turn = itertools.count()

    def begin_story(self):
        """Begin anew, with an asset that can be changed."""
        self.begin()
        self.registered = self.publish()

    def did(self, turn):
        """Return a DID that nobody has."""
        return f"did:op:{self.chapter:032x}{turn:032x}"

    def publish(self, cost="0", status=None, **members):
        """Register an asset whose file lies on the server of files, and return its DID."""
        did = self.did(next(self.turn))
        sealed = seal([{"index": 0, "url": self.url}], Keys(self.here.settings).current)
        terms = {"main": {"name": "access", "cost": cost, "timeout": 0}}
        metadata = {"main": main("Rows"), "encryptedFiles": sealed, "status": status}
        ddo = self.ddo(did, metadata) | {"dataToken": self.shop.token.address} | members
        ddo["service"].append({"type": "access", "index": 3, "attributes": terms})
        return self.here.assets.register(ddo).did

    def ddo(self, did, metadata):
        """Return a DDO of the buyer's own."""
        service = [{"type": "metadata", "index": 0, "attributes": metadata}]
        return {"id": did, "publicKey": [{"owner": BUYER.address}], "service": service}

    def complete(self, case):
        """Make most requests ones that mean something, and sign them; what else was made up stays as it is."""
        turn = next(self.turn)
        fill = getattr(self, case.operation.definition.raw["operationId"], None)
        if fill is not None and turn % 5:
            fill(case, turn)

    def sign(self, text):
        """Return the signature of a text and the buyer's nonce."""
        return signature(f"{text}{self.here.nonces.read(BUYER.address)}")

    def some(self, turn):
        """Return the DID of an asset, and what paid for it."""
        dids = [*self.free, *self.free, self.priced, self.priced, *self.closed]
        did = dids[turn % len(dids)]
        return {"documentId": did} | ({"transferTxId": self.order} if did == self.priced else {})

    def read_nonce(self, case, turn):
        """Ask for the buyer's."""
        put(case, userAddress=BUYER.address)

    read_nonce_by_post = read_nonce

    def encrypt(self, case, turn):
        """Have a list sealed, signed or not."""
        did = self.some(turn)["documentId"]
        sent = put(case, publisherAddress=BUYER.address, documentId=did, document=f'[{{"url": "{self.url}"}}]')
        sent["signature"] = self.sign(did) if turn % 2 else ""

    encrypt_by_get = encrypt

    def inspect_files(self, case, turn):
        """Look at files that are there."""
        put(case, **({"did": self.some(turn)["documentId"]} if turn % 2 else {"url": self.url, "did": ""}))

    def initialize(self, case, turn):
        """Ask for a quote."""
        wanted = self.some(turn) | {"consumerAddress": BUYER.address, "serviceId": "3", "serviceType": "access"}
        sent = put(case, **wanted, dataToken="", userdata="")
        sent.pop("transferTxId", None)

    initialize_by_post = initialize

    def download(self, case, turn):
        """Fetch a file that is paid for."""
        wanted = self.some(turn)
        proof = {"consumerAddress": BUYER.address, "signature": self.sign(wanted["documentId"])}
        put(case, **wanted, **proof, fileIndex="0", serviceId="3", serviceType="access", dataToken="")

    download_by_post = download

    def register_ddo(self, case, turn):
        """Register a new asset of the buyer's own, with whatever else was made up for it."""
        did = self.did(turn)
        generated = case.body if isinstance(case.body, Mapping) else {}
        others = {name: value for name, value in generated.items() if name not in ("dataToken", "credentials")}
        case.body = others | self.ddo(did, {"main": main("Rows")})
        case.query = {"publisherAddress": BUYER.address, "signature": self.sign("POST" + did)}
        self.registered = did

    def validate_ddo(self, case, turn):
        """Ask whether it may be published."""
        case.body = self.ddo(self.registered, {"main": main("Rows")})

    def read_ddo(self, case, turn):
        """Read what is there."""
        case.path_parameters = {"did": self.free[1]}

    read_metadata = read_ddo

    def replace_ddo(self, case, turn):
        """Replace what was registered last."""
        case.path_parameters = {"did": self.registered}
        case.body = self.ddo(self.registered, {"main": main(f"Rows {turn}")})
        case.query = {"publisherAddress": BUYER.address, "signature": self.sign("PUT" + self.registered)}

    def retire_ddo(self, case, turn):
        """Remove what was registered last; every other time, so that there is something left."""
        if turn % 2:
            case.path_parameters = {"did": self.registered}
            case.query = {"publisherAddress": BUYER.address, "signature": self.sign("DELETE" + self.registered)}


def signature(text):
    """Return the buyer's signature of a text."""
    return "0x" + Account.sign_message(encode_defunct(text=text), BUYER.key).signature.hex().removeprefix("0x")


def put(case, **parameters):
    """Put parameters where those of a request count: into its query if it has one, or can have no body, else there."""
    in_body = case.method.upper() != "GET" and not case.query and isinstance(case.body, Mapping)
    sent = dict(case.body if in_body else case.query) | parameters
    if in_body:
        case.body = sent
    else:
        case.query = sent
    return sent


def main(name):
    """Return what metadata have to say."""
    return {"type": "dataset", "name": name, "files": [{"index": 0, "contentType": "text/csv"}]}
