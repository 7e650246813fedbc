"""What makes requests about models real: files of every format, inputs that their models take, and another server."""

from __future__ import annotations

import json
import re
from zlib import crc32

from handlers.errors import NotFound
from handlers.models.inference import HEADER, OCTETS
from tests.property.modelfiles import QUICK
from tests.property.models import ID, NOBODYS, Stock, is_id

PLACE = re.compile(r"/endpoints/([^/]+)$")


class Models(Stock):
    """One who has models, and knows what they take."""

    def complete(self, case):
        """Make most requests ones that mean something; what else was made up stays as it is."""
        turn = next(self.turn)
        self.lot = lot_of(case, self.number, turn)
        self.spare(case)
        self.wait(case.path_parameters.get("job_id", ""))
        fill = getattr(self, case.operation.definition.raw["operationId"], None)
        if fill is not None and self.lot % 5:
            fill(case, turn)
            case._record_starting_state()  # else schemathesis took bytes that it has not made for a broken request

    def of_model(self, case, turn):
        """Mean a model that is there, where none is meant that was."""
        if not is_id(case.path_parameters["model_id"]):
            case.path_parameters = {"model_id": self.stay()[0].id}

    get_model_by_id = read_traffic = get_binary_by_id = get_metadata_by_id = of_model

    def of_endpoint(self, case, turn):
        """Mean an endpoint that is there, where none is meant that was."""
        if not is_id(case.path_parameters["endpoint_id"]):
            case.path_parameters = {"endpoint_id": self.stay()[1].id}

    get_endpoint_by_id = get_endpoint_document = of_endpoint

    def of_name(self, case, turn):
        """Mean a model that is there by its name or its id, where none is meant that was."""
        name = case.path_parameters["model_name"]
        try:
            return self.registry.named(name)
        except NotFound:
            if is_id(name):
                return None
        model, _ = self.stay()
        case.path_parameters = {"model_name": model.id}
        return model

    model_metadata = model_ready = of_name

    def of_version(self, case, turn):
        """Mean a version that is there, where none is meant that was."""
        if not is_id(case.path_parameters["model_version"]):
            model, endpoint = self.stay()
            case.path_parameters = {"model_name": model.id, "model_version": endpoint.id}

    version_metadata = version_ready = of_version

    def list_models(self, case, turn):
        """Ask for a page that can be."""
        case.query = {**case.query, "limit": 1 + turn, "offset": turn % 3}

    def list_endpoints(self, case, turn):
        """Ask for a page that can be, of a model that is there."""
        self.list_models(case, turn)
        if "model_id" in case.query:
            meant = case.query["model_id"]
            case.query |= {"model_id": meant if is_id(meant) else self.stay()[0].id, "offset": 0}

    def upload_model(self, case, turn):
        """Send a real file, now and then half of it, or one of another format than is said."""
        quick = QUICK[self.lot % 2]
        meant = case.body.get("format", quick)
        if meant not in QUICK and self.lot % 3:  # what takes long is sent less often
            meant = quick
            case.body = {**case.body, "format": meant}
        data = self.samples.get(quick if self.lot % 16 == 3 else meant, self.samples[quick]).data
        case.body = {**case.body, "file": data[: len(data) // 2] if self.lot % 8 == 7 else data}

    def upload_model_with_id(self, case, turn):
        """Send one for a model that is there."""
        if not is_id(case.path_parameters["model_id"]):
            case.path_parameters = {"model_id": self.registry.add_model({"name": "described"}).id}
        self.upload_model(case, turn)

    def delete_model_by_model_id(self, case, turn):
        """Remove what is this story's own, where nothing is meant that was there."""
        for name, meant in list(case.path_parameters.items()):
            if not is_id(meant):
                case.path_parameters = {name: self.own()[name]}

    delete_endpoint_by_id = update_model_by_model_id = update_endpoint_by_endpoint_id = delete_model_by_model_id

    def add_remote(self, case, turn):
        """Add a model of the other server."""
        model = self.staying[self.lot % len(self.samples)]
        self.stands_for = [*self.samples.values()][self.lot % len(self.samples)]
        case.body = {**case.body, "url": self.url, "model": model}

    def refresh_model(self, case, turn):
        """Mean a model of the other server, where none is meant that was there."""
        if not is_id(case.path_parameters["model_id"]):
            case.path_parameters = {"model_id": [*self.proxied][turn % len(self.proxied)]}

    def change_traffic(self, case, turn):
        """Mean endpoints of a model that is there."""
        self.roll_back(case, turn)
        try:
            endpoints = self.registry.model(case.path_parameters["model_id"]).endpoints
        except NotFound:
            return
        body = dict(case.body)
        if endpoints and "endpoint" in body and body["endpoint"] not in endpoints:
            body["endpoint"] = endpoints[turn % len(endpoints)]
        if endpoints and body.get("canary") and body["canary"]["endpoint"] not in endpoints:
            body["canary"] = {**body["canary"], "endpoint": endpoints[turn % len(endpoints)]}
        case.body = body

    def roll_back(self, case, turn):
        """Roll back where something can be."""
        if not is_id(case.path_parameters["model_id"]):
            case.path_parameters = {"model_id": self.versions}

    def predict_by_endpoint_id(self, case, turn):
        """Send what the model takes."""
        self.of_endpoint(case, turn)
        case.body = self.sample_of(case.path_parameters["endpoint_id"], turn).row(turn)

    def prediction(self, case, turn):
        """Send what the model takes, in any order."""
        target = case.body["target"]
        meant = PLACE.search(target[0].get("href", "")) if target[0].get("rel") == "endpoint" else None
        if meant is None or not is_id(meant[1]):
            meant = None
        endpoint = meant[1] if meant else self.stay()[1].id
        row = self.sample_of(endpoint, turn).row(turn)
        parameters = [{"name": name, "value": value} for name, value in row.items()]
        target = target[:1] if meant else [{"rel": "endpoint", "href": f"/endpoints/{endpoint}"}]
        case.body = {**case.body, "target": target, "parameters": parameters[:: 1 if turn % 2 else -1]}

    def batch_prediction(self, case, turn):
        """Send a table that the model takes, now and then to have it predicted later."""
        endpoint = case.query.get("endpoint_id", "")
        endpoint = endpoint if is_id(endpoint) else self.stay()[1].id
        case.query = {**case.query, "endpoint_id": endpoint}
        case.body = self.sample_of(endpoint, turn).table(case.media_type)
        if self.lot % 2:
            case.headers["Prefer"] = "respond-async"
        if self.lot % 8 == 1:
            self.here.queue.put = lambda job, **_: None  # so that it can be stopped before it has ended

    def read_batch(self, case, turn):
        """Ask for a table that is there, where none is meant that was."""
        if not is_id(case.path_parameters["job_id"]):
            case.path_parameters = {"job_id": self.job}
            self.wait(self.job)

    def read_batch_result(self, case, turn):
        """The same, and have it predicted where nobody was told of it."""
        self.read_batch(case, turn)
        job = case.path_parameters["job_id"]
        if job in self.parked:
            self.parked.remove(job)
            self.here.queue.put(job)
            self.wait(job)

    def model_infer(self, case, turn):
        """Send what the model takes."""
        model = self.of_name(case, turn)
        try:
            endpoint = self.traffic.current(model).id if model else NOBODYS
        except NotFound:
            endpoint = NOBODYS
        self.infer(case, turn, self.sample_of(endpoint, turn))

    def version_infer(self, case, turn):
        """Send what the version takes."""
        self.of_version(case, turn)
        self.infer(case, turn, self.sample_of(case.path_parameters["model_version"], turn))

    def infer(self, case, turn, sample):
        """Send rows as JSON, or as bytes behind it."""
        case.headers.pop(HEADER, None)
        tensors = sample.tensors(as_one=bool(turn % 2))
        if case.media_type != OCTETS:
            made = {name: value for name, value in case.body.items() if name != "outputs"}
            wanted = {"outputs": [{"name": "predict"}]} if turn % 3 and sample.format != "pmml" else {}
            case.body = {**made, "inputs": tensors, **wanted}
        elif sample.is_numeric:
            case.body, length = sample.message()
            case.headers[HEADER] = str(length)
        else:
            case.body = json.dumps({"inputs": tensors}).encode()


def lot_of(case, number, turn):
    """Return a number by which is chosen what a request is made of: another for each, and the same when told again."""
    made = case.body if isinstance(case.body, dict | list) else ""
    return crc32(ID.sub("", repr((number, turn, case.query, made))).encode(errors="replace"))
