"""Settings, and what the README says of them."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from handlers.settings import KEEPER_CONTRACTS, Settings


def test_every_setting_has_a_sentence():
    """A description is a sentence with a full stop."""
    assert [] == [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")]


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "70000"), ("WORKERS", "0"), ("JOB_TIMEOUT_S", "-1"), ("LOG_FORMAT", "xml")]
)
def test_a_value_out_of_bounds_is_refused_by_name(name, value, monkeypatch):
    """The error names the setting."""
    monkeypatch.setenv(f"SEAMARK_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_sockets_have_short_paths(tmp_path):
    """However long the home's path, a socket beside it stays within what the system allows (107 bytes)."""
    settings = Settings(home=tmp_path / ("x" * 200))

    assert len(settings.queue_url.removeprefix("unix://")) < 100


def test_homes_do_not_share_a_runtime_folder(tmp_path):
    """Two homes, two folders for sockets."""
    assert Settings(home=tmp_path / "a").runtime_dir != Settings(home=tmp_path / "b").runtime_dir


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://a.example", "https://ann:secret@a.example", "http://[", "https:///a"]
)
def test_what_is_no_address_of_a_metadata_store_is_refused(url):
    """At once, by the name of the setting."""
    with pytest.raises(ValidationError, match="metadata_url"):
        Settings(metadata_url=url)


@pytest.mark.parametrize("path", ["", "/", "/api/v1/aquarius", "/api/v1/aquarius/assets/ddo/{did}"])
def test_a_metadata_store_is_named_with_its_path_or_without(path):
    """As clients of Aquarius take both."""
    assert "https://a.example/key" == Settings(metadata_url=f"https://a.example/key{path}").metadata_url


ADDRESS = "0x" + "aB" * 20
NAMED = ",".join(f"{name}={ADDRESS}" for name in KEEPER_CONTRACTS)


def test_contracts_of_agreements_are_named_one_by_one():
    """Each has its address; spaces between mean nothing, and no text is no contracts."""
    found = Settings(keeper_contracts=NAMED.replace(",", " , ").replace("=", " = ")).keeper_addresses

    assert dict.fromkeys(KEEPER_CONTRACTS, ADDRESS) == found
    assert {} == Settings(keeper_contracts=" ").keeper_addresses


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (NAMED.rpartition(",")[0], "name each of these once"),
        (f"{NAMED},{NAMED}", "name each of these once"),
        (NAMED.replace("Agreement", "Argument"), "name each of these once"),
        (f"{NAMED},OceanToken={ADDRESS}", "name each of these once"),
        (NAMED[:-1], "ComputeExecutionCondition needs an address"),
        (NAMED + "0", "ComputeExecutionCondition needs an address"),
        (NAMED.replace(f"={ADDRESS}", "", 1), "AgreementStoreManager needs an address"),
        (NAMED.replace("=", "=="), "AgreementStoreManager needs an address"),
    ],
)
def test_what_names_no_contracts_is_refused_at_once(text, why):
    """A name that is wrong, twice there or missing, and what is no address, is said before anything starts."""
    with pytest.raises(ValidationError, match=why):
        Settings(keeper_contracts=text)


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        ({}, True),
        ({"apis": "ops, v2"}, False),
        ({"apis": "provider,dep6"}, True),
        ({"apis": "invoke/hash"}, True),
        ({"mock": True}, False),
    ],
)
def test_operations_are_run_where_one_of_their_apis_is_served(settings, runs):
    """And nowhere else are their libraries loaded beforehand, which take seconds."""
    assert runs == Settings(**settings).runs_operations


@pytest.mark.parametrize("apis", ["ops,v2", "invoke/hash"])
def test_workers_load_what_the_served_apis_need(tmp_path, apis):
    """Where jobs are forked, the libraries of operations are there before the first job of one, or not at all."""
    code = "import sys; from handlers.settings import Settings; from handlers.worker import kinds; kinds(Settings())"
    environment = {"PATH": os.environ["PATH"], "SEAMARK_HOME": str(tmp_path), "SEAMARK_APIS": apis}
    said = subprocess.run(
        [sys.executable, "-c", f"{code}; print('sklearn' in sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"{apis.startswith('invoke')}\n" == said.stdout
