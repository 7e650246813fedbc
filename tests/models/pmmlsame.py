"""Compare a PMML file with what it was written of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from handlers.models.formats.pmmlfile import read_pmml

FLOATS = [(f"x{number}", "float") for number in range(5)]
DOUBLES = [(f"x{number}", "double") for number in range(5)]
ROWS = st.lists(st.lists(st.floats(-4, 4, width=32), min_size=5, max_size=5), min_size=1, max_size=20)
FEW = settings(max_examples=30, deadline=None)


def loaded(folder, data):
    """Return the model that a file holds."""
    path = folder / "model.pmml"
    path.write_bytes(data)
    return read_pmml(path)


def predicted(answer):
    """Return what is predicted."""
    return next(value for name, value in answer.items() if name.startswith("predicted_"))


def scores(answer):
    """Return the probabilities, in the order of the classes."""
    return [value for name, value in answer.items() if name.startswith("probability_")]


def same_classes(model, trained, rows):
    """Compare probabilities, and labels where one is clearly the most probable."""
    answers = model.predict(rows)
    chances = trained.predict_proba(np.array(rows, dtype=np.float32))
    assert pytest.approx(chances) == np.array([scores(answer) for answer in answers])
    for answer, label, chance in zip(answers, trained.classes_[chances.argmax(axis=1)], chances, strict=True):
        first, second = sorted(chance)[:-3:-1]
        if first - second > 1e-9:
            assert label == predicted(answer)


def same_numbers(model, trained, rows):
    """Compare predicted numbers."""
    expected = trained.predict(np.array(rows, dtype=np.float32))
    assert pytest.approx(expected.tolist(), rel=1e-6, abs=1e-6) == [predicted(one) for one in model.predict(rows)]
