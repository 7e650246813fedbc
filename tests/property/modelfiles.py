"""Small real model files, one of each format, and what their models take."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from typing import Any, NamedTuple

import joblib
import pandas
import pyarrow
import xgboost
from pyarrow import parquet
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from tests.models.pmmlfiles import DATA

QUICK = ("pmml", "onnx")  # those that are loaded without scikit-learn or xgboost, which take seconds
FORMATS = (*QUICK, "pickle", "joblib", "skops", "bst")


class Sample(NamedTuple):
    """A model file, and some inputs that its model takes."""

    format: str
    data: bytes
    rows: pandas.DataFrame  #: its columns have the names of the model's inputs

    @property
    def digest(self) -> str:
        """By which it is known again."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def is_numeric(self) -> bool:
        """Whether all inputs are numbers."""
        return all(kind.kind == "f" for kind in self.rows.dtypes)

    def row(self, turn: int) -> dict[str, Any]:
        """Return the inputs of one row by name."""
        row: dict[str, Any] = json.loads(self.rows.iloc[turn % len(self.rows)].to_json())
        return row

    def table(self, kind: str) -> Any:
        """Return all rows as the body of a request: bytes, or a list of objects."""
        if kind == "application/json":
            return json.loads(self.rows.to_json(orient="records"))
        if kind == "text/csv":
            return self.rows.to_csv(index=False).encode()
        arrow, target = pyarrow.Table.from_pandas(self.rows, preserve_index=False), io.BytesIO()
        if kind == "application/vnd.apache.parquet":
            parquet.write_table(arrow, target)
        else:
            with pyarrow.ipc.new_stream(target, arrow.schema) as stream:
                stream.write_table(arrow)
        return target.getvalue()

    def tensors(self, *, as_one: bool) -> list[dict[str, Any]]:
        """Return all rows as tensors of the Open Inference Protocol: one for each input, or one of all numbers."""
        rows = len(self.rows)
        if as_one and self.is_numeric:
            data = self.rows.to_numpy().tolist()
            return [{"name": "rows", "shape": [rows, len(self.rows.columns)], "datatype": "FP64", "data": data}]
        columns = [(name, self.rows[name]) for name in self.rows.columns]
        return [
            {"name": name, "shape": [rows, 1], "datatype": datatype_of(column), "data": column.tolist()}
            for name, column in columns
        ]

    def message(self) -> tuple[bytes, int]:
        """Return numbers as a message with bytes behind its object, and the length of the object."""
        data = self.rows.to_numpy().astype("<f8").tobytes()
        said = {"binary_data_size": len(data)}
        tensor = {"name": "rows", "shape": list(self.rows.shape), "datatype": "FP64", "parameters": said}
        head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
        return head + data, len(head)


def datatype_of(column: pandas.Series) -> str:
    """Return the protocol's word for what a column holds."""
    return "FP64" if column.dtype.kind == "f" else "BYTES"


def samples(formats) -> Mapping[str, Sample]:
    """Return a file of each of these formats."""
    flowers, kinds = load_iris(return_X_y=True, as_frame=True)
    flowers = flowers[["petal length (cm)", "petal width (cm)"]]
    made = {name: MAKERS[name](flowers, kinds) for name in formats}
    few = flowers.iloc[[0, 60, 120]]
    return {name: Sample(name, data, few if rows is None else rows) for name, (data, rows) in made.items()}


def of_pickle(flowers, kinds):
    """A regression with names."""
    return pickle.dumps(LinearRegression().fit(flowers, kinds)), None


def of_joblib(flowers, kinds):
    """A tree with words for labels, compressed."""
    words = kinds.map({0: "setosa", 1: "versicolor", 2: "virginica"})
    target = io.BytesIO()
    joblib.dump(DecisionTreeClassifier(max_depth=2, random_state=0).fit(flowers, words), target, compress=3)
    return target.getvalue(), None


def of_skops(flowers, kinds):
    """A classifier with probabilities."""
    from skops.io import dumps

    return dumps(LogisticRegression(max_iter=200).fit(flowers, kinds)), None


def of_onnx(flowers, kinds):
    """The same; its one tensor has columns without names, which the server gives them."""
    from skl2onnx import to_onnx

    array = flowers.to_numpy().astype("float32")
    model = to_onnx(LogisticRegression(max_iter=200).fit(array, kinds), array[:1])
    return model.SerializeToString(), pandas.DataFrame(array[[0, 60, 120]].astype("float64"), columns=["x0", "x1"])


def of_bst(flowers, kinds):
    """A booster with names."""
    trained = xgboost.train({"max_depth": 2}, xgboost.DMatrix(flowers, kinds), 2)
    return bytes(trained.save_raw("ubj")), None


def of_pmml(_flowers, _kinds):
    """A tree of numbers and words."""
    weather = {"temperature": [75.0, 40.0], "humidity": [55.0, 85.0], "windy": ["true", "false"]}
    return (DATA / "golf.pmml").read_bytes(), pandas.DataFrame({**weather, "outlook": ["overcast", "sunny"]})


MAKERS = {
    "pickle": of_pickle,
    "joblib": of_joblib,
    "skops": of_skops,
    "onnx": of_onnx,
    "bst": of_bst,
    "pmml": of_pmml,
}
