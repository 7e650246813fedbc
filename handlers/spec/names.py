"""The names that a spec's words get in Python: one place, so that gateway, generator and controllers agree."""

from __future__ import annotations

import keyword
import re

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def function_name(operation_id: str) -> str:
    """Return the controller function of an operationId: `predictJson` -> `predict_json`."""
    snake = _WORDS.sub("_", operation_id).replace("-", "_").lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def parameter_name(name: str) -> str:
    """Return the keyword argument of a parameter, as connexion makes it: `job-id` -> `jobid`.

    Source:
        connexion 3.3, `decorators/parameter.py`, `sanitized`: case stays, and so do names of builtins. The gateway adds
        "_" to a Python keyword, which no function could take otherwise.
    """
    plain = re.sub(r"[^0-9a-zA-Z_]", "", re.sub(r"\[(?!])", "_", name))
    word = re.sub(r"^[^a-zA-Z_]+", "", plain)
    return f"{word}_" if keyword.iskeyword(word) else word


def module_name(api: str) -> str:
    """Return the module of an API below `generated`: `invoke/train-classifier` -> `invoke.train_classifier`."""
    return api.replace("-", "_").replace("/", ".")


def class_name(words: str) -> str:
    """Return *words* as the name of a class: `train-classifier` -> `TrainClassifier`."""
    parts = re.split(r"[^0-9a-zA-Z]+", _WORDS.sub("_", words))
    return "".join(part[:1].upper() + part[1:] for part in parts)
