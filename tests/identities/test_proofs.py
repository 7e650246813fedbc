"""Proofs that a request comes from who it says."""

from __future__ import annotations

import time

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers.errors import SignatureInvalid
from handlers.identities.limits import Limits
from handlers.identities.proofs import MESSAGE, Proofs
from handlers.settings import Settings

KEY = "0x" + "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
DID = "did:op:0c184915b07b44c888d468be85a9b28253e80070"
JOB = "0123456789abcdef0123456789abcdef"

#: Made by ocean-lib 0.8.5 with the nonce 7.
VECTORS = {
    DID: "0x966ed4d222b35e6855c1e9d8a623a7d776e3ee2e00aea25944982dc3a94118342ef5c5cdb3a24f07c54dfc999a31521bc6e35bffbd8"
    "e920e2df91e97eaf4d7411c",
    ADDRESS + DID: "0x1d7ebed6610ea918b09b7e103cac27750bc6d1826cda2fa56afa1a59bac49ffa7e4d2cb204b1bc5d0c4929af6ba070826"
    "6f188c3c4a4f72ee872ccbdc6ebb7481c",
    ADDRESS + JOB + DID: "0x4245ae9239ebe93d4c684d139ddf6e8f875a089a595ee89333281ecb5e6dc603175a04d0c2cf0fea285ff910017"
    "9955135b9d51044592e890041c5bfd5d4d05b1b",
    ADDRESS + JOB + "0": "0x248250e57ab7c1688c15f8da984e62f6f050fe89d6aca7be5d49150c2165387664a77dc1dc00a0e97918576c523"
    "127d3e61bbc20331f12fd273be28161dc99991c",
}


class Counter:
    """Keeps the nonce of one address."""

    def __init__(self, nonce):
        self.nonce = nonce

    def read(self, address):
        """Return it."""
        return self.nonce

    def spend(self, address, nonce):
        """Use it up if it is the one."""
        if nonce != self.nonce:
            return False
        self.nonce += 1
        return True


def token(signed_s, message=MESSAGE):
    """Return an authentication token."""
    text = encode_defunct(text=f"{message}\n{signed_s}")
    return f"0x{Account.sign_message(text, KEY).signature.hex().removeprefix('0x')}-{signed_s}"


@pytest.mark.parametrize("text", VECTORS)
def test_signatures_of_the_real_client_are_good_once(text):
    """The nonce is used up, so that the second use is refused."""
    nonces = Counter(7)
    proofs = Proofs(nonces, Limits(Settings()), token_s=60)

    assert ADDRESS == proofs.check(ADDRESS.lower(), VECTORS[text], text)
    assert 8 == nonces.nonce
    with pytest.raises(SignatureInvalid):
        proofs.check(ADDRESS, VECTORS[text], text)


@pytest.mark.parametrize("v", ["00", "01", "1b", "1c"])
def test_both_ways_to_write_v_are_read(v):
    """0 and 1 are 27 and 28; of the two just one is the signer's."""
    proofs = Proofs(Counter(7), Limits(Settings()), token_s=60)
    signature = VECTORS[DID][:-2] + v

    if v in ("01", "1c"):
        assert ADDRESS == proofs.check(ADDRESS, signature, DID)
    else:
        with pytest.raises(SignatureInvalid):
            proofs.check(ADDRESS, signature, DID)


@pytest.mark.parametrize("signature", ["", "0x", "0x11", "0x" + "00" * 65, "0x" + "ff" * 65, "é" * 130, "0x-1"])
def test_what_is_no_signature_uses_nothing_up(signature):
    """Nobody can burn another's nonce."""
    nonces = Counter(7)

    with pytest.raises(SignatureInvalid):
        Proofs(nonces, Limits(Settings()), token_s=60).check(ADDRESS, signature, DID)

    assert 7 == nonces.nonce


def test_looking_uses_nothing_up():
    """The same signature is good afterwards."""
    proofs = Proofs(Counter(7), Limits(Settings()), token_s=60)

    assert ADDRESS == proofs.check(ADDRESS, VECTORS[DID], DID, spend=False)
    assert ADDRESS == proofs.check(ADDRESS, VECTORS[DID], DID)


def test_a_token_is_good_until_it_expires():
    """It needs no nonce, and is of one message, one time and one address."""
    nonces, now_s = Counter(7), int(time.time())
    proofs = Proofs(nonces, Limits(Settings()), token_s=60)

    assert ADDRESS == proofs.check(ADDRESS, token(now_s), DID)
    assert ADDRESS == proofs.check(ADDRESS, token(now_s - 50), DID)
    for bad in (
        token(now_s - 61),
        token(now_s + 1000),
        token(now_s, "Other message"),
        token(now_s)[:-1] + str((now_s + 1) % 10),
    ):
        with pytest.raises(SignatureInvalid):
            proofs.check(ADDRESS, bad, DID)
    with pytest.raises(SignatureInvalid):
        proofs.check("0x" + "22" * 20, token(now_s), DID)
    assert 7 == nonces.nonce
