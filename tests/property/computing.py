"""What makes requests to compute real: data, algorithms, orders, agreements and jobs, and both doors' signatures."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qsl, urlsplit

from handlers.chain.agreements import Kind
from handlers.compute.records import Which
from handlers.compute.statuses import Stage
from handlers.files.sealed import seal
from handlers.keys import Keys
from tests.files.upstream import ranging
from tests.property.market import BUYER, Market, main, put, signature
from tests.property.sending import parameters_of

CONTAINER = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}
CODE = "print(1); open('/data/outputs/one', 'w').write('1')"
LONG = "import time; time.sleep(600)"
NOBODYS = "0" * 32  # a job's id
PATHS = {False: "/api/v1/services/compute", True: "/api/v1/brizo/services/compute"}  # by whether it is Brizo's
PATIENCE_S = 60
OPEN = {"allowRawAlgorithm": True, "allowAllPublishedAlgorithms": True}


class ComputeMarket(Market):
    """Data to compute on, and one who may."""

    def __init__(self, here, shop, upstream, keeper, client):
        """Publish data, order and agree on them, and have something computed through both doors."""
        super().__init__(here, shop, upstream)
        self.upstream = upstream
        self.client = client
        self.run(CODE)
        self.data = self.offer("compute", self.url, privacy=OPEN)
        self.paid = self.offer("compute", self.url, cost="2", privacy=OPEN)
        self.secret = self.offer("compute", self.url)
        section = main("One") | {"type": "algorithm", "algorithm": {"container": CONTAINER}}
        self.algorithm = self.offer("access", upstream.url + "/one.py", cost="1", section=section)
        self.orders = {did: shop.order(2, service=4, payer=BUYER.address) for did in (self.data, self.paid)}
        self.algorithm_order = shop.order(1, service=4, payer=BUYER.address)
        self.agreement = agreed(keeper, shop, self.offer("compute", self.url, did=registered(keeper, shop)))
        self.done = {brizo: self.finished(brizo) for brizo in PATHS}
        self.addresses = {brizo: self.address(brizo) for brizo in PATHS}
        self.earlier = {*self.done.values()}  # jobs that are not to be touched

    def run(self, code):
        """Have jobs run this from now on, by whichever way they come to their algorithm."""
        self.upstream.paths["/one.py"] = ranging(code.encode())
        self.raw = {"rawcode": code, "container": CONTAINER}

    def offer(self, kind, url, *, did="", cost="0", privacy=None, section=None):
        """Register an asset with one service, and return its DID."""
        sealed = seal([{"index": 0, "url": url}], Keys(self.here.settings).current)
        terms = {"main": {"name": kind, "cost": cost, "timeout": 0, "privacy": privacy or {}}}
        ddo = self.ddo(did or self.did(next(self.turn)), {"main": section or main("Rows"), "encryptedFiles": sealed})
        ddo["service"].append({"type": kind, "index": 4, "attributes": terms})
        return self.here.assets.register(ddo | {"dataToken": self.shop.token.address}).did

    def naming(self, brizo, job):
        """Return a signed request about a job, or about the data where there is none."""
        subject = {"serviceAgreementId": self.agreement} if brizo else {"documentId": self.data}
        proof = {"consumerAddress": BUYER.address, "signature": self.proof(brizo, job, *subject.values())}
        return subject | proof | {"jobId": job}

    def file(self, brizo, job, index):
        """Return a signed request for a file of a job."""
        proof = {"consumerAddress": BUYER.address, "signature": self.proof(brizo, job, str(index))}
        return proof | {"jobId": job, "index": index}

    def started(self, brizo):
        """Start a job, and return its id."""
        answer = self.client.post(PATHS[brizo], json=self.naming(brizo, "") | {"algorithmMeta": self.raw})
        assert 200 == answer.status_code, answer.text
        return answer.json[0]["jobId"]

    def finished(self, brizo):
        """Have a job done, and return its id."""
        job, end = self.started(brizo), time.monotonic() + PATIENCE_S
        while self.desk(brizo).find(Which(owner=BUYER.address, job=job))[0][0].stage < Stage.COMPLETED:
            assert time.monotonic() < end, "The job does not end."
            time.sleep(0.1)
        return job

    def address(self, brizo):
        """Return the parameters of an address of a result, as its owner is given it."""
        told = self.client.get(PATHS[brizo], query_string=self.naming(brizo, self.done[brizo])).json[0]
        return dict(parse_qsl(urlsplit(told["resultsUrls"][0]).query))

    def stop_all(self):
        """Leave no job behind for which others would have to wait."""
        for brizo, path in PATHS.items():
            signed = {"consumerAddress": BUYER.address, "signature": self.proof(brizo)}
            assert 200 == self.client.put(path, query_string=signed).status_code

    def begin_story(self):
        """Begin anew, without the jobs that there are, and have none end by itself, so that each story has one way."""
        self.begin()
        self.stop_all()
        self.run(LONG)
        self.earlier = {one.id for brizo in PATHS for one in self.jobs(brizo)}

    def proof(self, brizo, *texts):
        """Return the buyer's signature of a request: with a nonce for Provider, without for Brizo."""
        text = "".join([BUYER.address, *texts])
        return signature(text) if brizo else self.sign(text)

    def desk(self, brizo):
        """Return through which door a request goes."""
        return self.here.compute.brizo if brizo else self.here.compute.provider

    def jobs(self, brizo):
        """Return the buyer's jobs of one door, newest first."""
        return self.desk(brizo).find(Which(owner=BUYER.address))[0]

    def job_for(self, case, brizo):
        """Return the job that a request means: the one that a link leads to, else the newest."""
        mine = [one.id for one in self.jobs(brizo) if one.id not in self.earlier]
        linked = parameters_of(case).get("jobId")
        return linked if linked in mine else next(iter(mine), "")

    def subject(self, turn, brizo):
        """Return on what a new job computes, and what paid for it."""
        if brizo:
            return self.agreement, {"serviceAgreementId": self.agreement, "documentId": ""}
        did = (self.data, self.paid, self.paid, self.secret)[turn % 4]
        return did, {"documentId": did, "serviceAgreementId": "", "transferTxId": self.orders.get(did, "")}

    def start_compute(self, case, turn, brizo=None):
        """Start a job, or the newest again."""
        brizo = "brizo" in case.path if brizo is None else brizo
        subject, wanted = self.subject(turn, brizo)
        job = self.job_for(case, brizo) if turn % 7 == 6 else ""
        algorithm = {"algorithmDid": self.algorithm, "algorithmTransferTxId": self.algorithm_order}
        if brizo or turn % 3:
            algorithm = {"algorithmDid": "", "algorithmMeta": json.dumps(self.raw)}
        proof = {"consumerAddress": BUYER.address, "signature": self.proof(brizo, job, subject), "jobId": job}
        terms = {"serviceId": "4", "serviceType": "compute", "dataToken": "", "algorithmDataToken": ""}
        plain = {"algorithmDID": "", "additionalInputs": "[]"} | ({"output": "{}"} if turn % 2 else {})
        put(case, **wanted, **algorithm, **proof, **terms, **plain)

    def read_compute(self, case, turn, brizo=None):
        """Ask for the newest job, or for all."""
        brizo = "brizo" in case.path if brizo is None else brizo
        self.about(case, brizo, self.job_for(case, brizo) if turn % 3 else "")

    def stop_compute(self, case, turn, brizo=None):
        """Stop the newest job."""
        brizo = "brizo" in case.path if brizo is None else brizo
        self.about(case, brizo, self.job_for(case, brizo) or NOBODYS)

    delete_compute = stop_compute

    def start_any_compute(self, case, turn):
        """Start one through either door."""
        self.start_compute(case, turn, brizo=bool(turn % 2))

    def read_any_compute(self, case, turn):
        """Ask through either door."""
        self.read_compute(case, turn, brizo=bool(turn % 2))

    def stop_any_compute(self, case, turn):
        """Stop or delete through either door."""
        self.stop_compute(case, turn, brizo=bool(turn % 2))

    delete_any_compute = stop_any_compute

    def about(self, case, brizo, job):
        """Ask about a job as its owner."""
        subject = {"serviceAgreementId": self.agreement} if brizo else {"documentId": ""}
        proof = {"consumerAddress": BUYER.address, "signature": self.proof(brizo, job, *subject.values())}
        put(case, **subject, **proof, jobId=job, owner="", transferTxId="", transactionId="")

    def read_result(self, case, turn):
        """Fetch a file, by a signature or by an address that was given out."""
        brizo = "brizo" in case.path
        if turn % 2:
            put(case, **self.addresses[brizo])
            return
        sent = put(case, **self.file(brizo, self.done[brizo], turn % 3))
        for name in ("expires", "token"):
            sent.pop(name, None)


def registered(keeper, shop):
    """Return the DID of an asset that the contracts know."""
    return keeper.register(shop.seller, shop.provider)


def agreed(keeper, shop, did):
    """Return an agreement of the buyer's that was paid and granted."""
    deal = keeper.agree(Kind.COMPUTE, did, shop.buyer, shop.provider)
    keeper.pay(deal)
    keeper.grant(deal)
    return deal.id
