"""What a hostile or a strange PMML file comes to: a clear error, soon, and nothing else."""

from __future__ import annotations

import random
import re
import time

import pytest

from handlers.models.formats.base import CannotLoad, CannotPredict
from handlers.models.formats.pmmlfile import PmmlModel, read_pmml
from handlers.models.pmml.document import Document
from handlers.models.pmml.errors import Invalid, Unreadable
from handlers.models.pmml.reader import read
from tests.models.pmmlfiles import DATA

FIELDS = """<DataDictionary><DataField name="x" optype="continuous" dataType="double"/>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>"""
SCHEMA = '<MiningSchema><MiningField name="x"/><MiningField name="y" usageType="target"/></MiningSchema>'


def document(model, *, before="", transformations=""):
    """Return a file with a model."""
    text = f'{before}<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">{FIELDS}{transformations}{model}</PMML>'
    return text.encode()


def tree(node):
    """Return a file with a tree of numbers."""
    return document(f'<TreeModel functionName="regression">{SCHEMA}{node}</TreeModel>')


ENTITIES = '<!DOCTYPE PMML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE PMML SYSTEM "http://127.0.0.1:1/pmml.dtd">'
PARAMETER = '<!DOCTYPE PMML [<!ENTITY % a SYSTEM "http://127.0.0.1:1/a">%a;]>'


@pytest.mark.parametrize("before", [ENTITIES, OUTSIDE, "<!DOCTYPE PMML>"])
def test_a_doctype_is_refused(before):
    """Nothing is fetched and nothing grows: a document type is refused at its line."""
    with pytest.raises(Unreadable, match=r"Line 1: .*DOCTYPE"):
        read(document("", before=before))


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        *((known, "DOCTYPE") for known in ("UTF-8-SIG", "UTF-16", "UTF-16LE", "UTF-16BE", "ISO-8859-1", "CP1252")),
        *((other, "no XML") for other in ("CP037", "UTF-7", "UTF-32")),
    ],
)
@pytest.mark.parametrize("before", [ENTITIES, OUTSIDE, PARAMETER])
def test_a_doctype_is_refused_in_any_encoding(tmp_path, before, encoding, words):
    """It is seen where the parser knows how the file is written, and otherwise nothing of the file is read."""
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-SIG")}"?>'
    text = f'{declared}{before}<PMML version="4.4"><Header copyright="&b;"/></PMML>'
    path = tmp_path / "file.pmml"
    path.write_bytes(text.encode(encoding))

    with pytest.raises(CannotLoad, match=words):
        read_pmml(path)


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16BE"])
def test_a_bomb_of_entities_is_refused_when_it_is_uploaded(client, encoding):
    """Ten entities of ten each, ten deep, would be gigabytes; the answer tells of the DOCTYPE, and nothing is kept."""
    names = [f'<!ENTITY e{depth} "{f"&e{depth - 1};" * 10}">' for depth in range(1, 11)]
    text = (
        f'<!DOCTYPE PMML [<!ENTITY e0 "much">{"".join(names)}]><PMML version="4.4"><Header copyright="&e10;"/></PMML>'
    )
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + text

    answer = client.upload(declared.encode(encoding), "bomb.pmml", expect=422)

    assert "DOCTYPE" in answer["error"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no element found"),
        (b"<PMML", "no XML"),
        (b"\x00\x01", "no XML"),
        (b"<html/>", "The root is html"),
        (b'<?xml version="1.0" encoding="nothing"?><PMML/>', "no XML"),
        (b'<PMML version="9"/>', "the version '9'"),
        (b'<PMML version="4.4"/>', "no DataDictionary"),
        (document(""), "no model"),
        (document('<AssociationModel functionName="associationRules"/>'), "Line 2, AssociationModel: models of this"),
        (tree("<Node><False/><Regression/></Node>"), "Line 2, Regression: this is not evaluated in Node"),
        (tree('<Node score="1"><SimplePredicate field="z" operator="isMissing"/></Node>'), "no field 'z'"),
        (tree('<Node score="1"><SimplePredicate field="x" operator="like" value="1"/></Node>'), "operator='like'"),
        (tree('<Node score="1"><SimplePredicate field="x" operator="equal" value="a"/></Node>'), "'a' is no number"),
        (tree('<Node score="one"><True/></Node>'), "'one' is no number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(data, words):
    """A file that cannot be evaluated is refused with the line and the element that is wrong."""
    with pytest.raises(Unreadable, match=words):
        Document(data)


def test_a_file_is_refused_as_a_model(tmp_path):
    """What is no PMML is no model, in the words of all formats."""
    path = tmp_path / "file.pmml"
    path.write_bytes(b"<PMML")

    with pytest.raises(CannotLoad, match="no XML"):
        read_pmml(path)


def test_deep_nesting_is_refused():
    """Predicates in predicates without end do not exhaust the stack."""
    deep = '<CompoundPredicate booleanOperator="and">' * 5000 + "<True/>" + "</CompoundPredicate>" * 5000

    with pytest.raises(Unreadable, match="nested too deeply"):
        Document(tree(f'<Node score="1">{deep}</Node>'))


def test_deep_trees_are_evaluated():
    """A tree may be deeper than Python calls go."""
    split = '<SimplePredicate field="x" operator="greaterThan" value="{}"/>'
    nodes = "".join(f'<Node score="{depth}">{split.format(depth)}' for depth in range(3000))
    data = tree(f'<Node score="-1"><True/>{nodes}{"</Node>" * 3001}').replace(
        b'"regression"', b'"regression" noTrueChildStrategy="returnLastPrediction"'
    )

    outcome, _ = Document(data).evaluate([2500.5])

    assert 2500.0 == outcome.value


@pytest.mark.parametrize("times", [1, 2])
def test_functions_that_multiply_are_refused(times):
    """Functions that each call the one before would make more of a small file than fits, in depth or in number."""
    call = '<Apply function="f{0}"><FieldRef field="a"/></Apply>'
    define = '<DefineFunction name="f{0}" optype="continuous"><ParameterField name="a"/>{1}</DefineFunction>'
    count = 40 if times == 2 else 400
    functions = define.format(0, '<FieldRef field="a"/>') + "".join(
        define.format(number, f'<Apply function="max">{call.format(number - 1) * times}</Apply>')
        for number in range(1, count)
    )
    derived = '<DerivedField name="d" optype="continuous" dataType="double">{}</DerivedField>'
    use = derived.format(call.format(count - 1).replace('"a"', '"x"'))
    data = document(
        f'<RegressionModel functionName="regression">{SCHEMA}<RegressionTable intercept="0"/></RegressionModel>',
        transformations=f"<TransformationDictionary>{functions}{use}</TransformationDictionary>",
    )

    with pytest.raises(Unreadable, match="make too much of it"):
        Document(data)


@pytest.mark.parametrize(
    ("kind", "function", "words"),
    [
        ("integer", "*", None),
        ("string", "concat", "too long"),
        ("string", "+", "no number"),
        ("string", "*", "no number"),
    ],
)
def test_values_do_not_grow_without_end(kind, function, words):
    """Fields that double the one before, many times, come to no text and no number that fills the memory."""
    derived = '<DerivedField name="d{0}" optype="categorical" dataType="{1}">{2}</DerivedField>'
    double = '<Apply function="{0}"><FieldRef field="d{1}"/><FieldRef field="d{1}"/></Apply>'
    fields = derived.format(0, kind, "<Constant>7</Constant>") + "".join(
        derived.format(number, kind, double.format(function, number - 1)) for number in range(1, 200)
    )
    table = (
        '<RegressionTable intercept="0"><CategoricalPredictor name="d199" value="1" coefficient="1"/></RegressionTable>'
    )
    found = Document(
        document(
            f'<RegressionModel functionName="regression">{SCHEMA}{table}</RegressionModel>',
            transformations=f"<TransformationDictionary>{fields}</TransformationDictionary>",
        )
    )

    with pytest.raises(Invalid, match=words):
        found.evaluate([1.0])


def test_foreign_elements_and_extensions_are_left_out():
    """Extensions, comments and elements of other namespaces say nothing of the model."""
    inner = '<Extension name="a"><Anything/></Extension><!-- no --><x:y xmlns:x="http://example.org/"><x:z/></x:y>'
    outcome, _ = Document(tree(f'{inner}<Node score="2">{inner}<True/></Node>')).evaluate([0.0])

    assert 2.0 == outcome.value


def test_what_stands_for_a_missing_number_may_be_none():
    """Values that mean that one is missing need not be of the field's type, as exporters write NaN there."""
    text = '<Value value="NaN" property="missing"/><Value value="-999" property="missing"/></DataField>'
    field = b'<DataField name="x" optype="continuous" dataType="double"'
    data = tree('<Node score="1"><SimplePredicate field="x" operator="isMissing"/></Node>')
    found = Document(data.replace(field + b"/>", field + b">" + text.encode()))

    assert 1.0 == found.evaluate([-999.0])[0].value


def test_changed_files_raise_nothing_else():
    """However a file is damaged, loading says CannotLoad or gives a model that answers or says CannotPredict."""
    chance = random.Random(7)
    files = [path.read_bytes() for path in sorted(DATA.glob("*.pmml"))]
    end = time.monotonic() + 5
    while time.monotonic() < end:
        data = bytearray(chance.choice(files))
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(data))
            piece = chance.choice(files)
            other = chance.randrange(len(piece))
            data[start : start + chance.randint(0, 30)] = piece[other : other + chance.randint(0, 30)]
        try:
            found = Document(bytes(data))
        except Unreadable:
            continue
        try_all(found)


def test_exchanged_words_raise_nothing_else():
    """However attributes of a file are exchanged, nothing but the errors that are meant for it is raised."""
    chance = random.Random(8)
    texts = [path.read_text() for path in sorted(DATA.glob("*.pmml"))]
    words = sorted({word for text in texts for word in re.findall(r'"([^"]*)"', text)})
    end = time.monotonic() + 5
    while time.monotonic() < end:
        text = chance.choice(texts)
        for _ in range(chance.randint(1, 3)):
            places = list(re.finditer(r'"[^"]*"', text))
            place = chance.choice(places[6:])
            text = f'{text[: place.start()]}"{chance.choice(words)}"{text[place.end() :]}'
        try:
            found = Document(text.encode())
        except Unreadable:
            continue
        try_all(found)


def try_all(found):
    """Ask a model with values of each kind."""
    model = PmmlModel(found)
    kinds = {"float64": 1.5, "int64": 3, "bool": True, "str": "sunny"}
    features = model.describe()["features"]
    rows = [[kinds[feature["type"]] for feature in features], [None] * len(features)]
    for row in rows:
        try:
            model.predict([row])
        except CannotPredict:
            continue
