"""The contract's story: train a model through invoke, then predict with it."""

import csv


def test_a_model_trained_as_a_job_predicts_at_once(shared, digits):
    """Train on handwritten digits by `invokeasync`, poll `getstatus`, predict by `invokesync` with the model."""
    dataset = shared.add(digits, "--name", "digits")

    job = shared.submit("train-classifier", dataset={"did": dataset}, target="digit")
    trained = shared.ended("train-classifier", job)

    assert "succeeded" == trained["status"]
    assert trained["outputs"] == trained["results"]
    assert trained["outputs"]["metrics"]["accuracy"] > 0.95
    with digits.open() as file:
        rows = [row for row in csv.DictReader(file)][:5]
    inputs = {
        "model": trained["outputs"]["model"],
        "rows": [[float(value) for name, value in row.items() if name != "digit"] for row in rows],
    }
    predicted = shared.client.post("/invoke/predict-class/invokesync", json=inputs)
    assert 200 == predicted.status_code, predicted.text
    assert [int(row["digit"]) for row in rows] == predicted.json()["outputs"]["labels"]


def test_the_new_model_is_in_the_metadata_store(shared, digits):
    """An output asset has a DDO of its own that anyone with its DID can read."""
    dataset = shared.add(digits)
    trained = shared.ended(
        "train-classifier",
        shared.submit("train-classifier", dataset={"did": dataset}, target="digit", algorithm="logistic"),
    )
    did = trained["outputs"]["model"]["did"]

    response = shared.client.get(f"/api/v1/aquarius/assets/ddo/{did}")

    assert 200 == response.status_code
    assert did == response.json()["id"]


def test_wrong_inputs_are_refused_with_their_places(shared):
    """A missing input, a wrong type, an unknown input and an unknown asset each name the place."""
    post = shared.client.post
    unknown = "did:op:" + "0" * 64

    missing = post("/invoke/hash/invokesync", json={})
    wrong = post("/invoke/hash/invokesync", json={"to_hash": 1})
    extra = post("/invoke/hash/invokesync", json={"to_hash": "a", "more": 1})
    absent = post("/invoke/hash/invokesync", json={"to_hash": "a", "saved_model": {"did": unknown}})

    assert [400, 400, 400, 404] == [answer.status_code for answer in (missing, wrong, extra, absent)]
    for answer in (missing, wrong, extra, absent):
        assert "application/problem+json" == answer.headers["content-type"]
    assert "/to_hash" == wrong.json()["errors"][0]["place"]
    assert "/saved_model/did" == absent.json()["errors"][0]["place"]


def test_a_result_asked_for_too_early_is_a_conflict(shared, many_digits):
    """409 with Retry-After while the job runs; 404 for a job that is not there, or is another operation's."""
    job = shared.submit("train-classifier", dataset={"did": shared.add(many_digits)}, target="digit")

    early = shared.client.get("/invoke/train-classifier/getresult", params={"jobid": job})
    other = shared.client.get("/invoke/hash/getstatus", params={"jobid": job})
    none = shared.client.get("/invoke/hash/getresult", params={"jobid": "0" * 32})

    assert 409 == early.status_code
    assert int(early.headers["retry-after"]) > 0
    assert [404, 404] == [other.status_code, none.status_code]


def test_async_answers_201_and_where_to_look(shared):
    """201 with Location by default, 202 for those who prefer it, the id under all three names."""
    post = shared.client.post

    created = post("/invoke/hash/invokeasync", json={"to_hash": "a"})
    accepted = post("/invoke/hash/invokeasync", json={"to_hash": "a"}, headers={"Prefer": "respond-async"})

    assert (201, 202) == (created.status_code, accepted.status_code)
    ids = created.json()
    assert ids["jobid"] == ids["job-id"] == ids["jobId"]
    assert f"{shared.url}/invoke/hash/getstatus?jobid={ids['jobid']}" == created.headers["location"]
    assert 200 == shared.client.get(created.headers["location"]).status_code


def test_modes_that_a_spec_leaves_out_are_not_served(shared):
    """`predict-class` has no job, `train-classifier` no synchronous run: 404, and nothing in the served spec."""
    assert 404 == shared.client.post("/invoke/predict-class/invokeasync", json={}).status_code
    assert 404 == shared.client.post("/invoke/train-classifier/invokesync", json={}).status_code
    document = shared.client.get("/openapi/invoke/predict-class.json").json()
    assert ["/invokesync"] == list(document["paths"])


def test_a_failing_job_says_why(shared, tmp_path):
    """The line that cannot be read stands in the job's result, in the words of DEP-6 and as a problem."""
    table = tmp_path / "bad.csv"
    table.write_text("a,b\n1,x\nfoo,y\n")

    result = shared.ended(
        "train-classifier", shared.submit("train-classifier", dataset={"did": shared.add(table)}, target="b")
    )

    assert ("failed", 8005) == (result["status"], result["errorcode"])
    assert "Line 3" in result["description"]
    assert 422 == result["error"]["status"]
    assert "outputs" not in result


def test_a_priced_asset_is_not_given_away(shared, digits):
    """No operation reads an asset that has a price."""
    did = shared.add(digits, "--price", "1")

    response = shared.client.post("/invoke/hash/invokesync", json={"to_hash": "", "saved_model": {"did": did}})

    assert 403 == response.status_code
    assert response.json()["type"].endswith("/PaymentMissing")


def test_a_second_start_keeps_all_data(server, digits):
    """Assets and jobs are there after a stop and a start, and the stop leaves no process behind."""
    did = server.add(digits)
    job = server.submit("hash", to_hash="abcd")
    before = server.ended("hash", job)
    children = server.processes("")

    assert 0 == server.stop()

    assert [] == [child for child in children if child.is_running()]
    server.start()
    assert before == server.client.get("/invoke/hash/getresult", params={"jobid": job}).json()
    assert did in server.run("asset", "list")
