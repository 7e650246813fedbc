"""`seamark check`."""

import json

import pytest

from tests.cli.conftest import environment_for, seamark


def findings(environment):
    """Return the findings by part, and the exit code."""
    done = seamark(environment, "check", "--json")
    return {finding["part"]: finding for finding in json.loads(done.stdout)["findings"]}, done.returncode


def test_what_is_broken_is_named_with_its_mend(tmp_path):
    """On a machine where nothing runs yet, what is missing and what is there are told apart; exit code 1."""
    found, code = findings(environment_for(tmp_path))

    assert 1 == code
    assert {"database": "broken", "queue": "broken", "blobs": "ok", "documents": "ok"} == {
        part: found[part]["state"] for part in ("database", "queue", "blobs", "documents")
    }
    assert all(finding["mend"] for finding in found.values() if finding["state"] != "ok")


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("port", "x", "settings"),
        ("manage_open", "1", "settings"),
        ("database_url", "postgresql+psycopg://u:secret@127.0.0.1:1/x", "database"),
        ("redis_url", "redis://u:secret@127.0.0.1:1", "queue"),
        ("blob_url", "nonsense://secret", "blobs"),
    ],
)
def test_a_wrong_setting_is_found(tmp_path, setting, value, part):
    """Each is reported for its part, without the secrets in it."""
    environment = environment_for(tmp_path, host="192.0.2.1", **{setting: value})

    found, code = findings(environment)

    assert 1 == code
    assert "broken" == found[part]["state"]
    assert "secret" not in json.dumps(found)


def test_a_misspelt_setting_is_found(tmp_path):
    """A variable that nothing reads is a warning."""
    found, _ = findings(environment_for(tmp_path, prot="1"))

    assert ("warning", "Nothing reads SEAMARK_PROT.") == (found["settings"]["state"], found["settings"]["detail"])


def test_a_token_that_others_can_read_is_found(tmp_path):
    """The file of the management token must be private."""
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o644)

    found, _ = findings(environment_for(tmp_path))

    assert "broken" == found["token"]["state"]


def test_people_get_a_line_for_each_part(tmp_path):
    """Without --json there is a table, and the mends stand below what they mend."""
    environment = environment_for(tmp_path)
    assert 0 == seamark(environment, "db", "upgrade").returncode

    lines = seamark(environment, "check").stdout.splitlines()

    assert any(line.split() == ["ok", "database", "sqlite,", "up", "to", "date"] for line in lines)
    assert any(line.strip().startswith("-> Start `seamark up`") for line in lines)


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"host": "192.0.2.1"}, "warning"),
        ({"host": "192.0.2.1", "trusted_proxies": 1}, None),
        ({"host": "127.0.0.1"}, None),
    ],
)
def test_an_address_that_strangers_reach_wants_a_proxy(tmp_path, settings, state):
    """There is a warning, and no exit code for it, unless this is loopback or a proxy is trusted."""
    found, _ = findings(environment_for(tmp_path, **settings))

    assert state == found.get("proxy", {}).get("state")
    if state:
        assert "192.0.2.1" in found["proxy"]["detail"]
        assert "SEAMARK_TRUSTED_PROXIES" in found["proxy"]["mend"]
