"""The operations on tables, one after another through a server, on real data."""

import csv
import io

import pytest


@pytest.fixture(scope="module")
def read(shared):
    """Read an asset that a job made, as a manager lists it and the operation `merge` reads it: by its blob."""
    (token,) = (shared.home / "token").read_text().split()

    def rows(reference):
        answer = shared.client.get(
            f"/api/v1/manage/assets/{reference['did']}", headers={"Authorization": f"Bearer {token}"}
        )
        assert 200 == answer.status_code, answer.text
        digits = reference["did"].rpartition(":")[2]
        (path,) = (shared.home / "blobs" / "assets" / digits).iterdir()
        assert path.stat().st_size == answer.json()["size"]
        return list(csv.reader(io.StringIO(path.read_text())))

    return rows


def run(server, operation, **inputs):
    """Run an operation as a job and return its outputs."""
    result = server.ended(operation, server.submit(operation, **inputs))
    assert "succeeded" == result["status"], result
    return result["outputs"]


def test_a_table_is_cleaned_annotated_and_joined(shared, digits, read, tmp_path):
    """Rows that are empty go, the model labels the others, and a second table says what the labels mean."""
    header, *rows = digits.read_text().splitlines()
    dirty, meanings = tmp_path / "dirty.csv", tmp_path / "meanings.json"
    dirty.write_text("\n".join([header, rows[0], "," * header.count(","), *rows[1:100]]) + "\n")
    meanings.write_text('[{"predclass": 0, "word": "zero"}, {"predclass": 1, "word": "one"}]')
    dataset, words = {"did": shared.add(dirty)}, {"did": shared.add(meanings)}
    trained = run(shared, "train-classifier", dataset={"did": shared.add(digits)}, target="digit")

    cleaned = run(shared, "filter-rows", dataset=dataset)
    annotated = run(shared, "annotate", dataset=cleaned["filtered_dataset"], model=trained["model"])
    joined = run(shared, "merge", left=annotated["predictions"], right=words, key="predclass")

    assert (100, 1) == (cleaned["rows"], cleaned["dropped"])
    names, *labelled = read(annotated["predictions"])
    assert [*header.split(","), "predclass"] == names
    right = sum(row[-1] == row[-2] for row in labelled)
    assert right >= 95
    few = [row for row in labelled if row[-1] in "01"]
    assert (100, len(few), len(few)) == (joined["left_rows"], joined["matched_rows"], joined["rows"])


def test_what_a_table_lacks_is_told_at_once(shared, digits):
    """A synchronous run answers the same problem as the job: the fault names the input."""
    table = {"did": shared.add(digits)}

    answer = shared.client.post("/invoke/merge/invokesync", json={"left": table, "right": table, "key": "vin"})

    assert 400 == answer.status_code
    assert "/key" == answer.json()["errors"][0]["place"]
