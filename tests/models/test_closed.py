"""Discovery and predictions, opened and closed separately."""

from __future__ import annotations

import pytest

from handlers.app import create_app

BODY = {"target": [{"rel": "endpoint", "href": "/endpoints/none"}], "parameters": [{"name": "a", "value": 1}]}
INFERENCE = {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}]}


def asked(client, **headers):
    """Return the statuses of looking for models and of asking them, by both protocols."""
    answers = [
        client.get("/ops/models", headers=headers),
        client.get("/v2/models/none", headers=headers),
        client.post("/ops/predictions", json=BODY, headers=headers),
        client.post("/v2/models/none/infer", json=INFERENCE, headers=headers),
    ]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(
    ("closed", "strangers"),
    [
        ("", [200, 404, 404, 404]),
        ("discover", [401, 401, 404, 404]),
        ("run", [200, 404, 401, 401]),
        ("discover,run", [401, 401, 401, 401]),
    ],
)
def test_each_part_needs_a_token_where_it_is_closed(here, settings, closed, strangers):
    """One with the scope `models`, or with `manage`, which holds all; the health of the server is for everybody."""
    client = create_app(settings.model_copy(update={"ops_closed": closed, "manage_open": False})).test_client()
    secrets = [here.tokens.new(f"{closed}-{scope}", [scope])[0] for scope in ("models", "manage", "assets")]

    found = [asked(client, Authorization=f"Bearer {secret}") for secret in secrets]

    assert strangers == asked(client)
    assert [[200, 404, 404, 404]] * 2 == found[:2]
    assert [403 if status == 401 else status for status in strangers] == found[2]
    assert [200, 200] == [client.get(f"/{path}").status_code for path in ("v2/health/live", "ops/info")]
    served = client.get("/openapi/ops.json").json["paths"]["/models"]["get"]
    assert ("discover" in closed) == ("security" in served)
