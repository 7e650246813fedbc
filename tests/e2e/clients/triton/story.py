"""Ask a model as the users of Triton's client do: `python story.py HOST:PORT MODEL`.

Runs in an environment that has tritonclient and nothing of ours; prints what it got as JSON.
"""

import json
import sys

import numpy
import tritonclient.http as triton

ROWS = numpy.array([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])


def table(binary: bool) -> list[triton.InferInput]:
    """Return all inputs in one tensor."""
    rows = triton.InferInput("rows", list(ROWS.shape), "FP64")
    rows.set_data_from_numpy(ROWS, binary_data=binary)
    return [rows]


def columns(names: list[str]) -> list[triton.InferInput]:
    """Return each input in a tensor of its own, as bytes."""
    found = []
    for name, column in zip(names, ROWS.astype(numpy.float32).T, strict=True):
        one = triton.InferInput(name, [len(ROWS), 1], "FP32")
        one.set_data_from_numpy(column.reshape(-1, 1))
        found.append(one)
    return found


def asked(client: triton.InferenceServerClient, model: str, inputs: list[triton.InferInput], binary: bool) -> list:
    """Return labels and probabilities."""
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")]
    result = client.infer(model, inputs, outputs=outputs, request_id="7")
    labels = [one.decode() if isinstance(one, bytes) else one for one in result.as_numpy("predict").ravel().tolist()]
    return [labels, result.as_numpy("predict_proba").shape, result.get_response()["id"]]


def refusal(call) -> str:
    """Return what the server says no with."""
    try:
        call()
    except triton.InferenceServerException as error:
        return str(error)
    return "nothing"


def main() -> None:
    """Tell it all."""
    url, model = sys.argv[1:]
    client = triton.InferenceServerClient(url)
    metadata = client.get_model_metadata(model)
    names = [one["name"] for one in metadata["inputs"]]
    wrong = triton.InferInput("rows", [1, 3], "FP64")
    wrong.set_data_from_numpy(numpy.zeros((1, 3)))
    json.dump(
        {
            "alive": [client.is_server_live(), client.is_server_ready(), client.is_model_ready(model)],
            "there is no other": client.is_model_ready("no-such-model"),
            "extensions": client.get_server_metadata()["extensions"],
            "names": names,
            "index": [entry["name"] for entry in client.get_model_repository_index() if entry["state"] == "READY"],
            "binary": asked(client, model, table(binary=True), binary=True),
            "json": asked(client, model, table(binary=False), binary=False),
            "columns": asked(client, model, columns(names), binary=True),
            "version": client.is_model_ready(model, metadata["versions"][-1]),
            "refused": refusal(lambda: client.infer(model, [wrong])),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
