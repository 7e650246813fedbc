"""Models, from their upload to their end, by both APIs that ask them: real files, and inputs that they take."""

from __future__ import annotations

from itertools import chain

import pytest

from handlers.app import create_app
from tests.models.peer import App
from tests.property.asking import Models
from tests.property.joined import joined
from tests.property.modelfiles import FORMATS, QUICK, samples
from tests.property.models import APIS
from tests.property.sending import LEAST, failed, tell_stories
from tests.property.test_specs import STORIES, open_to_managers, schema_of

REMOTE = ("remote ops", "remote v2")
FEW = 5  # predictions
USUAL = {"stateful_step_count": 15, "database": None}
#: Nothing leads to them, and they lead to nothing; test_specs.py asks them.
ALONE = {"GET /capabilities", "GET /info", "GET /v2/health/live", "GET /v2/health/ready"}


@pytest.fixture(scope="module")
def server(here, worker, settings):
    """Both APIs below one address, which is another server of models, too."""
    app = create_app(settings, apis=APIS, mounts={"ops": "/"})
    served = App(app)
    yield app, served.url
    served.close()


@pytest.fixture(scope="module")
def schema(server, manager):
    """Both documents as one, so that links lead from one API to the other."""
    schema = open_to_managers(schema_of(joined(APIS)), APIS[0], manager)
    schema.app, _ = server
    return schema


@pytest.fixture
def tell(here, server, schema, manager):
    """Tells stories with files of some formats, as many as are wanted of several numbers, the same each time.

    Returns what was sent, and how many predictions were made by what.
    """
    app, url = server

    def tell(formats, numbers, stories):
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {manager}"
        models, told = Models(here, client, url, samples(formats)), {"max_examples": stories, **USUAL}
        sent = [tell_stories(schema, models, models.heard, number, **told) for number in numbers]
        return [*chain.from_iterable(sent)], models.answered

    return tell


def test_any_story_of_a_model_keeps_to_the_specs(tell):
    """It is uploaded, asked in every way, promoted, rolled back, looked at and deleted, in any order."""
    sent, answered = tell(QUICK, numbers=[0], stories=2 * STORIES)

    assert [] != sent
    assert set(QUICK) <= answered.keys()


@pytest.mark.long
def test_thousands_of_requests_are_answered_for_models_of_every_format(tell, schema):
    """Each operation that a link leads to has answered with success, and so have models of every kind."""
    sent, answered = tell(FORMATS, numbers=range(1, 9), stories=2 * STORIES)

    assert LEAST <= len(sent)
    assert [] == failed(sent)
    assert {result.ok().label for result in schema.get_all_operations()} - ALONE == {one.label for one in sent}
    assert {} == {name: answered[name] for name in (*FORMATS, *REMOTE) if answered[name] < FEW}
