"""The provider's keys."""

import copy
import json
import logging
import pickle
import stat
import traceback

import pytest
from eth_account import Account
from pydantic import SecretStr

from handlers.errors import InputInvalid, KeyUnavailable
from handlers.keys import Key, Keys, Keystore, new_key
from handlers.settings import Settings

SECRET = "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
#: From the definition of Web3 Secret Storage: "Test Vectors", PBKDF2.
VECTOR = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
VECTOR_SECRET = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def keys_of(tmp_path, **settings):
    """Return the keys of a server with these settings."""
    return Keys(Settings(home=tmp_path, **settings))


def test_a_key_has_the_address_that_wallets_give_it():
    """Secret and address are those of the reference's vectors."""
    assert ADDRESS == Key(bytes.fromhex(SECRET)).address


def test_the_environment_names_keys(tmp_path):
    """The first is in use, and the others open what is older; 0x does not matter."""
    keys = keys_of(tmp_path, provider_key=f"0x{SECRET}, {'22' * 32}")

    assert ADDRESS == keys.current.address
    assert 2 == len(keys.all)


@pytest.mark.parametrize("text", ["0x12", "zz" * 32, "00" * 32, "ff" * 32, SECRET + "11"])
def test_what_is_no_key_is_not_repeated(tmp_path, text):
    """The message names the setting, and says nothing of what stood there."""
    with pytest.raises(KeyUnavailable, match="SEAMARK_PROVIDER_KEY is no private key") as caught:
        _ = keys_of(tmp_path, provider_key=text).current

    assert text not in "".join(traceback.format_exception(caught.value))


def test_without_a_key_the_message_says_how_to_make_one(tmp_path):
    """No key is a 503 that names the command."""
    keys = keys_of(tmp_path)

    assert not keys.exist
    with pytest.raises(KeyUnavailable, match="seamark key new"):
        _ = keys.current


def test_the_newest_key_is_in_use_and_the_older_ones_are_kept(tmp_path):
    """Each key that is added is the one in use; all can be read by whoever starts later."""
    store = Keystore(tmp_path / "keys")
    made = [new_key() for _ in range(3)]

    for key in made:
        store.add(key, None)

    assert [key.address for key in reversed(made)] == [key.address for key in keys_of(tmp_path).all]


def test_only_its_owner_may_read_a_keystore(tmp_path):
    """Keys and password have the mode 0600, and their folder 0700."""
    Keystore(tmp_path / "keys").add(new_key(), None)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}

    assert {0o600} == modes
    assert 0o700 == stat.S_IMODE((tmp_path / "keys").stat().st_mode)


def test_wallets_open_what_the_keystore_holds(tmp_path):
    """The files are Web3 Secret Storage, as eth-account reads it."""
    key = Key(bytes.fromhex(SECRET))
    path = Keystore(tmp_path / "keys").add(key, None)
    password = (tmp_path / "keys" / "password").read_text().strip()

    assert key.secret == Account.decrypt(json.loads(path.read_text()), password)


def test_a_single_file_of_a_wallet_is_a_keystore(tmp_path):
    """The vector of the definition opens with its password, and with no other."""
    file = tmp_path / "wallet.json"
    file.write_text(json.dumps(VECTOR))

    keys = keys_of(tmp_path, provider_keystore=file, provider_password="testpassword")
    others = keys_of(tmp_path, provider_keystore=file, provider_password="guess")

    assert VECTOR_SECRET == keys.current.secret.hex()
    with pytest.raises(KeyUnavailable, match=r"wallet\.json does not open with this password"):
        _ = others.current


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "not JSON", '{"crypto": 1, "version": 3}', '{"crypto": {}, "version": 9}']
)
def test_a_file_without_a_key_is_refused(tmp_path, text):
    """Whatever the file holds, the message names it."""
    file = tmp_path / "wallet.json"
    file.write_text(text)

    with pytest.raises(KeyUnavailable, match=r"wallet\.json"):
        _ = keys_of(tmp_path, provider_keystore=file, provider_password="x").current


def test_keys_of_one_store_have_one_password(tmp_path):
    """A key is not added under another password, which would leave one of the two closed."""
    store = Keystore(tmp_path / "keys")
    store.add(new_key(), SecretStr("first"))

    with pytest.raises(KeyUnavailable, match="does not open"):
        store.add(new_key(), SecretStr("second"))
    with pytest.raises(KeyUnavailable, match="SEAMARK_PROVIDER_PASSWORD"):
        store.add(new_key(), None)

    assert 1 == len(store.paths())


def test_nothing_is_added_to_a_single_file(tmp_path):
    """A keystore that is a file holds one key."""
    file = tmp_path / "wallet.json"
    file.write_text(json.dumps(VECTOR))

    with pytest.raises(InputInvalid, match="single file"):
        Keystore(file).add(new_key(), SecretStr("testpassword"))


def test_a_key_is_never_shown(caplog, tmp_path):
    """Neither its text, nor a copy, nor what lies around it gives the secret away."""
    key = Key(bytes.fromhex(SECRET))
    settings = Settings(home=tmp_path, provider_key=SECRET, chain_url="https://node.example/v3/apikey")

    with caplog.at_level(logging.DEBUG):
        logging.getLogger(__name__).info("%s %r %s %r %s", key, key, settings, settings, [key])

    shown = caplog.text + f"{key!s}{key!r}{settings!r}{settings.model_dump()}"
    assert SECRET not in shown
    assert repr(key.secret) not in shown
    assert "apikey" not in shown
    assert ADDRESS in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(TypeError):
        copy.deepcopy(key)
