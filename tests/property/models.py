"""Models that stay while stories are told, those of a story, and who has answered for them."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from collections import Counter

from handlers.errors import JobExpired, JobNotFound, NotFound
from handlers.models.remote import PROTOCOLS, is_remote
from handlers.spec.documents import read_generated
from tests.property.modelfiles import QUICK

APIS = read_generated(["ops", "v2"])
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")  # of a model, an endpoint or a job
EXAMPLES = frozenset(one[0] for one in ID.finditer(json.dumps([api.document for api in APIS])))
NOBODYS = "00000000-0000-4000-8000-000000000000"
PATIENCE_S = 60
MANY = 10_000  # more models than there are


class Stock:
    """Models that stay, one of each format, and files of those that come and go."""

    def __init__(self, here, client, url, samples):
        """Upload a model of each format.

        Args:
            here: The services.
            client: Calls the server as a manager.
            url: Where it serves both APIs, as the other server that has models.
            samples: A file of each format, by format.
        """
        self.here, self.client, self.url, self.samples = here, client, url, samples
        self.registry, self.traffic = here.models.registry, here.models.traffic
        self.answered = Counter()  #: predictions, by what has made them
        self.number = 0  #: of the stories that are told
        self.known = {sample.digest: sample for sample in samples.values()}
        ids = [self.upload("/upload", sample) for sample in samples.values()]
        self.versions = self.upload("/upload", samples["pmml"])  # a model of which one endpoint came after another
        self.endpoints = [self.upload(f"/models/{self.versions}", samples["pmml"]) for _ in range(2)]
        self.proxied = {self.proxy(protocol, ids[0]): samples["pmml"] for protocol in PROTOCOLS}
        self.staying = [*ids, self.versions, *self.proxied]
        self.asked = [*ids, *self.proxied]
        self.job = self.predict_later(samples["pmml"])
        self.begin_story()

    def upload(self, path, sample):
        """Upload a file, and return the id of what has become of it."""
        file = {"file": (io.BytesIO(sample.data), f"model.{sample.format}")}
        answer = self.client.post(path, data=file)
        assert 201 == answer.status_code, answer.text
        return answer.json["id"]

    def proxy(self, protocol, model):
        """Add a model of the other server, and return its id."""
        body = {"url": self.url, "protocol": protocol, "model": model, "name": "of the other server"}
        answer = self.client.post("/remotes", json=body)
        assert 201 == answer.status_code, answer.text
        return answer.json["id"]

    def predict_later(self, sample):
        """Have a table predicted by a job, and return its id."""
        query = {"endpoint_id": self.endpoints[0], "output": "csv"}
        table = {"data": sample.table("text/csv"), "content_type": "text/csv"}
        answer = self.client.post(
            "/predictions/batch", **table, query_string=query, headers={"Prefer": "respond-async"}
        )
        assert 202 == answer.status_code, answer.text
        return answer.json["id"]

    def begin_story(self):
        """Begin anew, with nothing but the models that stay, as they were."""
        self.turn = itertools.count()
        self.asked_of = self.stands_for = None
        self.proxies = dict(self.proxied)  # what the models of the other server are files of, by their ids here
        self.parked = set()  # jobs of which no worker is told
        for model in self.registry.models(limit=MANY, offset=0):
            if model.id not in self.staying:
                self.here.models.remove_model(model.id)
        self.traffic.change(self.versions, {"canary": None})
        for endpoint in self.endpoints:
            self.traffic.change(self.versions, {"endpoint": endpoint})

    def heard(self, case, response):
        """Count who has answered, and remember which models are another server's."""
        if self.asked_of is not None and 200 == response.status_code:
            self.answered[self.asked_of] += 1
        if self.stands_for is not None and 201 == response.status_code:
            self.proxies[response.json()["id"]] = self.stands_for
        if vars(self.here.queue).pop("put", None) and 202 == response.status_code:
            self.parked.add(response.json()["id"])
        self.asked_of = self.stands_for = None

    def wait(self, job):
        """Wait for a job, so that each story can be told again as it was."""
        end = time.monotonic() + PATIENCE_S
        while job not in self.parked and self.goes_on(job):
            assert time.monotonic() < end, "The job does not end."
            time.sleep(0.02)

    def goes_on(self, job):
        """Tell whether a job has not ended."""
        try:
            return not self.here.jobs.read(job, all_owners=True).ended
        except (JobExpired, JobNotFound):  # or it is none
            return False

    def spare(self, case):
        """Let nobody change or remove what other stories need, but what is this one's own."""
        if case.method not in ("PATCH", "DELETE"):
            return
        staying = [self.registry.model(one) for one in self.staying]
        ids = {*self.staying, *(endpoint for model in staying for endpoint in model.endpoints)}
        for name, meant in list(case.path_parameters.items()):
            if meant in ids:
                case.path_parameters = {name: self.own()[name]}

    def own(self):
        """Return the newest model of this story and its newest endpoint, by the names of parameters.

        Where it has no model it gets one: schemathesis takes an id that is nobody's for that of a model that was added
        before and has got lost.
        """
        models = [one for one in self.registry.models(limit=MANY, offset=0) if one.id not in self.staying]
        models = models or [self.registry.add_model({"name": "described"})]
        endpoints = [endpoint for model in models for endpoint in model.endpoints]
        return {"model_id": models[-1].id, "endpoint_id": [NOBODYS, *endpoints][-1]}

    def stay(self):
        """Return one of the models that stay, and its endpoint."""
        model = self.registry.model(self.asked[self.lot % len(self.asked)])
        return model, self.traffic.current(model)

    def sample_of(self, endpoint_id, turn):
        """Return the file of an endpoint, or any where it has none of ours, and note who is asked."""
        try:
            endpoint = self.registry.endpoint(endpoint_id)
        except NotFound:
            return self.samples[QUICK[turn % 2]]
        found = self.proxies.get(endpoint.model) if is_remote(endpoint) else self.known.get(endpoint.sha256)
        if found is None:
            return self.samples[QUICK[turn % 2]]
        self.asked_of = f"remote {endpoint.format}" if is_remote(endpoint) else found.format
        return found


def is_id(text):
    """Tell whether a text is an id that the server has given out, as far as one can see."""
    return ID.fullmatch(text) is not None and text not in EXAMPLES
