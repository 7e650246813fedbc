"""The embedded store of assets."""

import copy
import hashlib

import pytest

from handlers.assets import access, ddo
from handlers.assets.ddo import Sale
from handlers.assets.store import Assets
from handlers.assets.tables import AssetRow, MetadataRow
from handlers.errors import AssetNotFound, Conflict, Forbidden, PaymentMissing
from handlers.storage.blobs import FolderBlobs
from handlers.storage.sql import Base, Database
from handlers.wire import Caller

STRANGER = Caller()


@pytest.fixture
def assets(tmp_path):
    """An empty store on a real database and a real folder."""
    database = Database(f"sqlite:///{tmp_path}/assets.sqlite")
    Base.metadata.create_all(database.engine, tables=[AssetRow.__table__, MetadataRow.__table__])
    yield Assets(database, FolderBlobs(tmp_path / "blobs"))
    database.close()


@pytest.fixture
def csv_file(tmp_path):
    """A small file."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    return path


def test_an_added_file_is_described_by_its_ddo(assets, csv_file):
    """Size, checksum and media type of the file stand in the DDO; where it is kept does not."""
    asset = assets.add(csv_file, name="Rows", author="Ada", license_name="CC0", description="Two cells.")

    main = asset.ddo["service"][0]["attributes"]["main"]
    assert ("Rows", "Ada", "CC0", "dataset") == (main["name"], main["author"], main["license"], main["type"])
    assert [
        {
            "index": 0,
            "contentType": "text/csv",
            "contentLength": "8",
            "checksum": hashlib.sha256(csv_file.read_bytes()).hexdigest(),
            "checksumType": "SHA256",
        }
    ] == main["files"]
    assert str(asset.blob) not in str(asset.ddo)


def test_what_was_added_is_read_back_whole(assets, csv_file, tmp_path):
    """The asset survives the store: its row, and its bytes by stream and by path, under any spelling of its DID."""
    added = assets.add(csv_file)

    asset = assets.read("0x" + added.did.removeprefix("did:op:").upper())

    assert added == asset
    with assets.open(asset) as file:
        assert csv_file.read_bytes() == file.read()
    assert csv_file.read_bytes() == assets.local(asset, tmp_path).read_bytes()


def test_a_removed_asset_is_gone_with_its_file(assets, csv_file):
    """After removal neither row nor blob is there."""
    asset = assets.add(csv_file)

    assets.remove(asset.did)

    with pytest.raises(AssetNotFound):
        assets.read(asset.did)
    with pytest.raises(AssetNotFound):
        assets.open(asset)


def test_pages_are_newest_first_and_tell_the_total(assets, csv_file):
    """Three assets in pages of two; an owned one is not listed to the public."""
    first, second = assets.add(csv_file, name="1"), assets.add(csv_file, name="2")
    own = assets.add(csv_file, name="3", owner="ada")

    assert ([own, second], 3) == assets.list(limit=2)
    assert ([first], 3) == assets.list(offset=2, limit=2)
    assert ([second, first], 2) == assets.list(public=True)


def test_a_did_is_registered_once(assets):
    """A second document under the same DID is a conflict, and the first one stays."""
    document = {"id": "did:op:" + "a" * 64, "service": [{"type": "metadata", "attributes": {"main": {"name": "X"}}}]}
    assets.register(document)

    with pytest.raises(Conflict):
        assets.register({"id": document["id"]})

    assert document == assets.read(document["id"]).ddo


def test_a_replaced_document_is_the_one_that_is_read(assets):
    """Replacing keeps the DID and changes the rest."""
    did = "did:op:" + "b" * 64
    assets.register({"id": did})

    assets.replace(did, {"id": did, "note": "new"})

    assert {"id": did, "note": "new"} == assets.read(did).ddo


def test_a_free_asset_is_open_to_strangers(assets, csv_file):
    """No price, no owner, no credentials: a grant."""
    asset = assets.add(csv_file)

    assert access.Grant(asset, None) == access.check(asset, STRANGER)


def test_a_priced_asset_needs_payment(assets, csv_file):
    """No operation gives away what has a price."""
    asset = assets.add(csv_file, sale=Sale(price="0.5"))

    assert "0.5" == asset.ddo["service"][1]["attributes"]["main"]["cost"]
    with pytest.raises(PaymentMissing):
        access.check(asset, STRANGER)


@pytest.mark.parametrize("state", ["isRetired", "isOrderDisabled"])
def test_a_withdrawn_asset_is_not_for_operations(assets, csv_file, state):
    """As nobody downloads it any more; a token for management still opens it."""
    added = assets.add(csv_file)
    document = copy.deepcopy(dict(added.ddo))
    document["service"][0]["attributes"]["status"] = {state: True}
    asset = assets.replace(added.did, document)

    with pytest.raises(Forbidden, match="withdrawn"):
        access.check(asset, STRANGER)
    assert "root" == access.check(asset, Caller(name="root", scopes=frozenset({"manage"}))).caller


def test_an_owned_asset_is_its_owners_alone(assets, csv_file):
    """Another name is refused; the owner and the management are not."""
    asset = assets.add(csv_file, owner="ada")

    with pytest.raises(Forbidden):
        access.check(asset, Caller(name="bob", scopes=frozenset({"invoke"})))
    assert "ada" == access.check(asset, Caller(name="ada")).caller
    assert "root" == access.check(asset, Caller(name="root", scopes=frozenset({"manage"}))).caller


def test_an_asset_with_credentials_is_not_for_strangers(assets):
    """An allow-list that cannot be checked here refuses."""
    did = "did:op:" + "c" * 64
    asset = assets.register({"id": did, "credentials": {"allow": [{"type": "address", "values": ["0x0"]}]}})

    with pytest.raises(Forbidden):
        access.check(asset, STRANGER)


@pytest.mark.parametrize("price", ["-1", "x", "", "nan", "Infinity", "0.0000000000000000001", "1e20"])
def test_what_is_no_price_is_refused(price):
    """Prices are decimals of at most 20 digits and 18 places, not negative."""
    with pytest.raises(ValueError, match="no price"):
        ddo.cost(price)


@pytest.mark.parametrize("price", ["0", "1.5", "99999999999999999999.999999999999999999", "30340326579413674375.88772"])
def test_a_price_is_kept_to_its_last_digit(price):
    """As long as the specs let it be."""
    assert price == ddo.cost(price)


@pytest.mark.parametrize("main", [{"cost": "1"}, {"cost": 1}, {"cost": None}, {"cost": {}}, {"cost": "free"}])
def test_a_cost_that_is_not_plainly_zero_counts_as_a_price(main):
    """What cannot be read is not given away."""
    assert ddo.is_priced({"service": [{"type": "access", "attributes": {"main": main}}]})


def test_leftovers_of_a_job_are_removed(assets, csv_file):
    """What an attempt registered before its worker died goes; assets of others stay."""
    left = assets.add(csv_file, job="j1")
    other = assets.add(csv_file, job="j2")

    assets.remove_of_job("j1")

    assert ([other], 1) == assets.list()
    assert left.did != other.did
