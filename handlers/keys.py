"""The provider's keys: who this server is on the chain, and what opens the files that were sealed for it.

One key is used for what is new; the older ones are kept, because what was sealed for them has to be opened still. Keys
come from the environment, or from a keystore: a file, or a folder in which the last by name is the one in use, as in
the folders that Ethereum clients keep.

No key is ever shown: `repr` gives the address, and no message holds more.

Source:
    Web3 Secret Storage, version 3, for the files; their names are those that geth gives.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import SecretStr

from handlers.errors import InputInvalid, KeyUnavailable
from handlers.settings import Settings

KEY_BYTES: Final = 32
ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141  # points of secp256k1
PASSWORD_FILE: Final = "password"  # noqa: S105 - the name of a file
PRIVATE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
FILE_LIMIT_BYTES: Final = 64 << 10
SCRYPT_CHOSEN: Final = 2**18  # for passwords that people think of
SCRYPT_RANDOM: Final = 2**12  # for ours, which nobody guesses anyway; each process that starts pays for this


@dataclass(frozen=True)
class Key:
    """A private key of the curve secp256k1."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        if len(self.secret) != KEY_BYTES or not 0 < int.from_bytes(self.secret) < ORDER:
            raise InputInvalid("This is no private key: 32 bytes in hexadecimal.")

    def __repr__(self) -> str:
        """Return what everybody may know."""
        return f"Key({self.address})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be written anywhere."""
        raise TypeError("A key is not written down.")

    @cached_property
    def public(self) -> bytes:
        """The public key: 65 bytes, the first of them 4."""
        from coincurve import PrivateKey

        return PrivateKey(self.secret).public_key.format(compressed=False)

    @cached_property
    def address(self) -> str:
        """The address, checksummed."""
        from eth_utils.address import to_checksum_address
        from eth_utils.crypto import keccak

        return str(to_checksum_address(keccak(self.public[1:])[-20:]))


class Keys:
    """The keys that the settings name, read when first needed."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet."""
        self._settings = settings

    @cached_property
    def all(self) -> Sequence[Key]:
        """Every key, the one in use first.

        Raises:
            KeyUnavailable: There is none, or one cannot be read.
        """
        if given := self._settings.provider_key:
            words = [word.strip() for word in given.get_secret_value().split(",") if word.strip()]
            return [parse(word, "SEAMARK_PROVIDER_KEY") for word in words]
        found = [read(path, self._password) for path in reversed(self.store.paths())]
        if not found:
            raise KeyUnavailable("This server has no key: run `seamark key new`, or set SEAMARK_PROVIDER_KEY.")
        return found

    @property
    def current(self) -> Key:
        """The key in use: it seals, and its address is the provider's.

        Raises:
            KeyUnavailable: There is none.
        """
        return self.all[0]

    @property
    def exist(self) -> bool:
        """Whether there is any key; none is read."""
        return self._settings.provider_key is not None or bool(self.store.paths())

    @cached_property
    def store(self) -> Keystore:
        """The keystore."""
        return Keystore(self._settings.keystore)

    @cached_property
    def _password(self) -> str:
        """The password of the keystore."""
        return self.store.password(self._settings.provider_password)


class Keystore:
    """A file with a key, or a folder of such files."""

    def __init__(self, path: Path) -> None:
        """Use what is at *path*; it need not be there."""
        self.path = path

    def paths(self) -> list[Path]:
        """Return the files with keys, the one in use last."""
        if self.path.is_file():
            return [self.path]
        return sorted(self.path.glob("UTC--*")) if self.path.is_dir() else []

    def password(self, given: SecretStr | None) -> str:
        """Return the password: what was given, or what lies beside the keys.

        Raises:
            KeyUnavailable: There is neither.
        """
        if given is not None:
            return given.get_secret_value()
        beside = (self.path.parent if self.path.is_file() else self.path) / PASSWORD_FILE
        try:
            return beside.read_text().rstrip("\n")
        except OSError as error:
            raise KeyUnavailable(
                f"The keystore's password is missing ({error.strerror}): SEAMARK_PROVIDER_PASSWORD."
            ) from None

    def add(self, key: Key, given: SecretStr | None) -> Path:
        """Write a key, which is then the one in use, and return its file.

        Args:
            key: The key.
            given: The keystore's password; without one, that which lies beside the keys, made where there is none.

        Raises:
            InputInvalid: The keystore is a single file.
            KeyUnavailable: The folder holds keys, and its password is missing or another.
        """
        if self.path.is_file():
            raise InputInvalid(f"{self.path} is a single file; set SEAMARK_PROVIDER_KEYSTORE to a folder.")
        self.path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        beside = self.path / PASSWORD_FILE
        if given is None and not self.paths() and not beside.exists():
            write(beside, secrets.token_urlsafe(KEY_BYTES) + "\n")
        password = self.password(given)
        if present := self.paths():
            read(present[-1], password)  # keys with different passwords could not be opened together
        path = self.path / name_of(key, datetime.now(UTC))
        write(path, json.dumps(encrypted(key, password, cheaply=given is None)) + "\n")
        return path


def new_key() -> Key:
    """Return a key that nobody has."""
    from coincurve import PrivateKey

    return Key(PrivateKey().secret)


def parse(text: str, where: str) -> Key:
    """Return the key that *text* is.

    Raises:
        KeyUnavailable: It is none; the message says *where* it stood, and no more.
    """
    try:
        return Key(bytes.fromhex(text.strip().removeprefix("0x")))
    except (ValueError, InputInvalid):
        raise KeyUnavailable(f"{where} is no private key: 32 bytes in hexadecimal.") from None


def read(path: Path, password: str) -> Key:
    """Return the key in a file.

    Raises:
        KeyUnavailable: The file cannot be read, or the password is another.
    """
    with recursion_limit_kept():
        from eth_keyfile.keyfile import decode_keyfile_json

    found = document(path)
    try:
        return Key(decode_keyfile_json(found, password.encode()))
    except (ValueError, TypeError, LookupError, NotImplementedError, InputInvalid):
        raise KeyUnavailable(f"{path.name} does not open with this password.") from None


def document(path: Path) -> dict[str, Any]:
    """Return what stands in a file with a key, encrypted as it is.

    Raises:
        KeyUnavailable: It cannot be read, or holds no key.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(FILE_LIMIT_BYTES))
    except OSError as error:
        raise KeyUnavailable(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError:
        found = None
    if not isinstance(found, dict) or "crypto" not in {name.lower() for name in found}:
        raise KeyUnavailable(f"{path.name} is no keystore file.")
    return found


def encrypted(key: Key, password: str, *, cheaply: bool) -> dict[str, Any]:
    """Return the document of a key."""
    with recursion_limit_kept():
        from eth_keyfile.keyfile import create_keyfile_json

    work = SCRYPT_RANDOM if cheaply else SCRYPT_CHOSEN
    made: dict[str, Any] = create_keyfile_json(key.secret, password.encode(), kdf="scrypt", iterations=work)
    return made


def name_of(key: Key, moment: datetime) -> str:
    """Return the name of the file of a key that is made at a moment; names sort by time."""
    when = moment.strftime("%Y-%m-%dT%H-%M-%S.%f000Z")
    return f"UTC--{when}--{key.address[2:].lower()}"


def write(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    partial = path.with_name(f".{secrets.token_hex(6)}.part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Keep Python's limit of recursion while something is imported that imports py_ecc, which raises it to 100,000.

    With that limit a JSON text that nests deep enough ends the process, instead of raising RecursionError.
    """
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
