"""Uploads that are too large, and models that another version of scikit-learn has written."""

from __future__ import annotations

import io
import pickle
import re
import tempfile

import pytest
import sklearn
from sklearn.linear_model import LinearRegression

from handlers.app import create_app
from handlers.models.registry import MODELS
from handlers.settings import Settings
from tests.models.conftest import Client
from tests.served import serving, working

FORM = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="m.pkl"\r\n\r\n'
LIMIT = 16 << 20


class Unread(io.RawIOBase):
    """A body of which nothing may be read."""

    def read(self, size=-1):
        """Fail."""
        raise AssertionError("The body was read.")


class Endless(io.RawIOBase):
    """A form with a file that has no end."""

    def __init__(self):
        """Begin with the form."""
        self.given = 0

    def read(self, size=-1):
        """Give as much as is wanted."""
        assert size > 0
        data = HEAD[self.given : self.given + size] or b"x" * size
        self.given += len(data)
        return data


@pytest.mark.parametrize("path", ["/ops/upload", "/ops/models/{}"])
def test_three_gigabytes_are_refused_unread(client, path):
    """What is announced to be larger than an upload may be is a problem at once."""
    path = path.format(client.call("POST", "/models", 201, json={"name": "m"})["id"])

    announced = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(3 << 30), "CONTENT_TYPE": FORM}
    answer = client.client.post(path, environ_overrides=announced)

    assert 413 == answer.status_code
    assert "application/problem+json" == answer.content_type
    assert str(2 << 30) in answer.json["error"]


def test_a_file_without_an_end_is_cut_off(here, settings, tmp_path, monkeypatch):
    """What was not announced is read as far as it may go, and leaves neither a file nor a model."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = create_app(settings.model_copy(update={"upload_limit_bytes": LIMIT}))
    before, body = here.models.registry.count(MODELS), Endless()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    sent = {"wsgi.input": body, "CONTENT_TYPE": FORM, **chunked}

    answer = app.test_client().post("/ops/upload", environ_overrides=sent)

    assert 413 == answer.status_code
    assert "error" in answer.json
    assert body.given < 2 * LIMIT
    assert [] == list(tmp_path.iterdir())
    assert before == here.models.registry.count(MODELS)


def written_by(version):
    """Return a model as a version of scikit-learn would have written it."""
    data = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    ours = sklearn.__version__.encode()
    written = re.sub(b"\x8c" + bytes([len(ours)]) + re.escape(ours), b"\x8c" + bytes([len(version)]) + version, data)
    assert written != data
    return written


@pytest.mark.parametrize("version", [b"0.19.2", b"99.1"])
def test_a_model_of_another_version_is_refused(client, version):
    """What it says might be wrong, and nobody would notice: both versions are named, and what can be done."""
    answer = client.upload(written_by(version), expect=422)

    assert f"scikit-learn {version.decode()}" in answer["error"]
    assert sklearn.__version__ in answer["error"]
    assert "SEAMARK_MODEL_OTHER_VERSIONS" in answer["error"]


@pytest.mark.long
def test_a_model_of_another_version_is_taken_where_the_operator_wants_that(settings, tmp_path):
    """It is in service then, what it says is what this version makes of it, and its endpoint tells who wrote it."""
    changed = {"home": tmp_path, "redis_url": f"unix://{tmp_path}/s", "model_other_versions": True}
    own = Settings(**settings.model_dump() | changed)

    with serving(own), working(own):
        client = Client(create_app(own).test_client())
        model = client.upload(written_by(b"99.1"))

        endpoint = client.endpoint_of(model)
        assert ("in_service", f"scikit-learn 99.1, and not {sklearn.__version__}") == (
            endpoint["status"],
            endpoint["written_by"],
        )
        assert pytest.approx(3.0) == client.predict(model, x0=3)["predictions"]


def test_a_patch_is_no_other_version(client):
    """scikit-learn's patches change no model."""
    patched = ".".join([*sklearn.__version__.split(".")[:2], "99"])

    model = client.upload(written_by(patched.encode()))

    assert pytest.approx(3.0) == client.predict(model, x0=3)["predictions"]
