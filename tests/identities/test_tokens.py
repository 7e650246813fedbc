"""Bearer tokens."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers.errors import InputInvalid, NotFound
from handlers.identities.tables import TokenRow
from handlers.identities.tokens import Tokens
from handlers.storage.sql import Base, Database


@pytest.fixture
def tokens(tmp_path):
    """No tokens yet, on a real database."""
    database = Database(f"sqlite:///{tmp_path}/tokens.sqlite")
    Base.metadata.create_all(database.engine, tables=[TokenRow.__table__])
    yield Tokens(database)
    database.close()


def test_a_token_opens_what_it_was_made_for(tokens):
    """The secret gives back name and scopes."""
    secret, made = tokens.new("ada", ["invoke", "assets"], timedelta(days=1))

    found = tokens.check(secret)

    assert made == found
    assert ("ada", ("invoke", "assets")) == (found.name, found.scopes)


def test_the_secret_is_not_kept(tokens):
    """Whoever reads the table cannot use what stands there."""
    secret, _ = tokens.new("ada", ["invoke"])

    with tokens.database.read() as connection:
        row = str(connection.execute(select(TokenRow.__table__)).all())

    assert secret not in row
    assert secret.rpartition("_")[2] not in row


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: "sea_" + s, lambda s: "", str.upper])
def test_another_secret_opens_nothing(change, tokens):
    """A secret that differs in anything is no token."""
    secret, _ = tokens.new("ada", ["invoke"])

    assert tokens.check(change(secret)) is None


def test_an_expired_token_opens_nothing(tokens):
    """Its time is over the moment it ends."""
    secret, _ = tokens.new("ada", ["invoke"], timedelta(microseconds=1))

    assert tokens.check(secret) is None


def test_a_revoked_token_opens_nothing_and_stays_listed(tokens):
    """Revoking ends a token, once."""
    secret, made = tokens.new("ada", ["invoke"])

    tokens.revoke(made.id)

    assert tokens.check(secret) is None
    assert [made.id] == [token.id for token in tokens.list()]
    with pytest.raises(NotFound):
        tokens.revoke(made.id)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["invoke", "root"]])
def test_unknown_scopes_are_refused(scopes, tokens):
    """A token is made for scopes that exist, and for one at least."""
    with pytest.raises(InputInvalid, match="scopes"):
        tokens.new("ada", scopes)
