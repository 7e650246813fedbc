"""Models, from their upload to their end, by both APIs that ask them: real files, and inputs that they take."""

from __future__ import annotations

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
USUAL = {"max_examples": 2 * STORIES, "stateful_step_count": 15, "database": None}
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
def models(here, server, manager):
    """One who has models of some formats, as a manager."""
    app, url = server

    def models(formats):
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {manager}"
        return Models(here, client, url, samples(formats))

    return models


@pytest.fixture
def tell(schema):
    """Tells stories of so many numbers, and of up to three times as many while something is missing.

    Which they are depends on what is imported and on true chance, so that some numbers bring more than others.
    """

    def tell(models, least, missing):
        sent = []
        for number in range(3 * least):
            if number >= least and not missing(sent):
                break
            models.number = number
            sent += tell_stories(schema, models, models.heard, number, **USUAL)
        return sent

    return tell


def test_any_story_of_a_model_keeps_to_the_specs(models, tell):
    """It is uploaded, asked in every way, promoted, rolled back, looked at and deleted, in any order."""
    owner = models(QUICK)

    tell(owner, 1, lambda _: set(QUICK) - owner.answered.keys())

    assert set(QUICK) <= owner.answered.keys()


@pytest.mark.long
def test_thousands_of_requests_are_answered_for_models_of_every_format(models, tell, schema):
    """Each operation that a link leads to has answered with success, and so have models of every kind."""
    owner = models(FORMATS)
    wanted = {result.ok().label for result in schema.get_all_operations()} - ALONE

    def missing(sent):
        few = [name for name in (*FORMATS, *REMOTE) if owner.answered[name] < FEW]
        return few + sorted(wanted - {one.label for one in sent if one.succeeded})

    sent = tell(owner, 8, missing)

    assert LEAST <= len(sent)
    assert [] == failed(sent)
    assert wanted == {one.label for one in sent}
    assert [] == missing(sent)
