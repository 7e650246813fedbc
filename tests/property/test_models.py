"""Models, from their upload to their end, by both APIs that ask them: real files, and inputs that they take."""

from __future__ import annotations

import pytest

from handlers.app import create_app
from tests.models.peer import App
from tests.property.asking import Models
from tests.property.joined import joined
from tests.property.modelfiles import FORMATS, QUICK, samples
from tests.property.models import APIS
from tests.property.sending import LEAST, tell_stories
from tests.property.test_specs import STORIES, open_to_managers, schema_of

REMOTE = ("remote ops", "remote v2")
FEW = 5  # predictions
LONG, LONGEST = 8, 24  # stories are told of so many numbers, and of more while something has not been met
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
    """Tells the stories of a number with models, and returns what was sent."""

    def tell(models, number):
        models.number = number
        return tell_stories(schema, models, models.heard, number, **USUAL)

    return tell


def test_any_story_of_a_model_keeps_to_the_specs(models, tell):
    """It is uploaded, asked in every way, promoted, rolled back, looked at and deleted, in any order."""
    owner = models(QUICK)

    assert [] != tell(owner, number=0)
    assert set(QUICK) <= owner.answered.keys()


@pytest.mark.long
def test_thousands_of_requests_are_answered_for_models_of_every_format(models, tell, schema):
    """Each operation that a link leads to has answered with success, and so have models of every kind."""
    owner, sent = models(FORMATS), []
    wanted = {result.ok().label for result in schema.get_all_operations()} - ALONE
    for number in range(1, LONGEST + 1):
        sent += tell(owner, number)
        if number >= LONG and not missing(wanted, sent, owner.answered):
            break

    assert LEAST <= len(sent)
    assert [] == missing(wanted, sent, owner.answered)


def missing(wanted, sent, answered):
    """Return the operations none of whose requests succeeded, and the kinds of models that few predictions are of."""
    operations = wanted - {one.label for one in sent if one.succeeded}
    return sorted(operations) + [name for name in (*FORMATS, *REMOTE) if answered[name] < FEW]
