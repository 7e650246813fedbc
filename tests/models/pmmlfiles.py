"""PMML files of the tests, and how they are asked."""

from __future__ import annotations

from pathlib import Path

from handlers.models.formats.pmmlfile import read_pmml

DATA = Path(__file__).parent / "data"


def load(name, folder=None, **changes):
    """Return a model of a file; *changes* are texts in it and what is put in their place, written into *folder*."""
    path = DATA / f"{name}.pmml"
    if changes:
        text = path.read_text()
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new, 1)
        path = folder / "changed.pmml"
        path.write_text(text)
    return read_pmml(path)


def ask(model, **values):
    """Return the answer to values by name; those that are not named are missing."""
    names = [feature["name"] for feature in model.describe()["features"]]
    assert values.keys() <= set(names)
    return model.predict([[values.get(name) for name in names]])[0]
