"""Settings, and what the README says of them."""

import pytest
from pydantic import ValidationError

from handlers.settings import Settings


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
