"""The page of an endpoint, in a real browser."""

from __future__ import annotations

import json
import threading

import pandas
import pytest
from sklearn.linear_model import LinearRegression
from werkzeug.serving import make_server

from handlers.app import create_app
from tests.browser import PROGRAM, Browser
from tests.parts import missing

# Not `__proto__`: in JavaScript that is no member, so that the form leaves it out.
HOSTILE = ["$ref", "<img src=x onerror=window.hit=1>", "[x](javascript:alert(1))", "a/b~c"]
ANSWER = "document.querySelector('.live-responses-table .response-col_description .microlight')?.innerText"


@pytest.fixture(scope="module")
def address(here, settings):
    """The address of a server over the same models, which a browser can reach."""
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser."""
    if PROGRAM is None:
        missing("needs chromium")
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.mark.parametrize("names", [["income", "age"], HOSTILE])
def test_try_it_predicts(client, address, browser, names):
    """What the form is filled with is sent and answered, whatever the inputs are called; nothing of that is run."""
    rows = pandas.DataFrame([[0.0] * len(names), [1.0] * len(names)], columns=names)
    model = client.upload(LinearRegression().fit(rows, [0, 1]), "tried.pkl")
    endpoint = client.endpoint_of(model)["id"]

    browser.open(f"{address}/ops/endpoints/{endpoint}/docs")
    browser.wait("!!document.querySelector('.opblock-summary-control')")
    browser.run("document.querySelector('.opblock-summary-control').click()")
    browser.wait("!!document.querySelector('.body-param__text')")
    sent = json.loads(browser.run("document.querySelector('.body-param__text').value"))
    browser.run("document.querySelector('.execute').click()")

    assert names == list(sent)
    assert client.predict(model, **sent) == json.loads(browser.wait(ANSWER))["result"]
    assert "tried" in browser.run("document.querySelector('.info .title').innerText")
    assert browser.run("window.hit") is None
