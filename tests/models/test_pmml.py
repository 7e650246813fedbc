"""PMML, evaluated here: documents of each kind, and what cannot be one."""

from __future__ import annotations

import math

import pytest

from handlers.models.formats.base import CannotPredict
from handlers.models.formats.pmmlfile import read_pmml

HEAD = '<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>'
FLOWER = """
<DataDictionary>
  <DataField name="length" optype="continuous" dataType="double"/>
  <DataField name="width" optype="continuous" dataType="double"/>
  <DataField name="kind" optype="categorical" dataType="string">
    <Value value="setosa"/><Value value="versicolor"/><Value value="virginica"/>
  </DataField>
</DataDictionary>
"""
SCHEMA = """
<MiningSchema><MiningField name="length"/><MiningField name="width"/>
<MiningField name="kind" usageType="target"/></MiningSchema>
"""
NODES = """
<Node id="0" score="versicolor"><True/>
  <Node id="1" score="setosa"><SimplePredicate field="length" operator="lessThan" value="2.6"/>
    <ScoreDistribution value="setosa" recordCount="50"/><ScoreDistribution value="virginica" recordCount="0"/></Node>
  <Node id="2" score="versicolor"><SimplePredicate field="length" operator="greaterOrEqual" value="2.6"/>
    <Node id="3" score="versicolor"><SimplePredicate field="width" operator="lessThan" value="1.75"/>
      <ScoreDistribution value="versicolor" recordCount="49"/><ScoreDistribution value="virginica" recordCount="5"/>
    </Node>
    <Node id="4" score="virginica"><SimplePredicate field="width" operator="greaterOrEqual" value="1.75"/>
      <ScoreDistribution value="versicolor" recordCount="1"/><ScoreDistribution value="virginica" recordCount="45"/>
    </Node></Node></Node>
"""
TREE = f"""
<TreeModel modelName="flowers" functionName="classification" splitCharacteristic="multiSplit"
  missingValueStrategy="lastPrediction">{SCHEMA}{NODES}</TreeModel>
"""


@pytest.fixture
def load(tmp_path):
    """Loads the text of a document."""

    def read(text):
        path = tmp_path / "m.pmml"
        path.write_text(text)
        return read_pmml(path)

    return read


def pmml(*parts):
    """Return a document of parts."""
    return HEAD + "".join(parts) + "</PMML>"


def test_a_tree_says_class_and_probabilities(load):
    """A tree's leaf gives the class, and the shares of its records the probabilities."""
    model = load(pmml(FLOWER, TREE))

    (result,) = model.predict([[5.1, 1.8]])

    assert "virginica" == result["predicted_kind"]
    assert pytest.approx(45 / 46) == result["probability_virginica"]
    assert ["length", "width"] == [one["name"] for one in model.describe()["features"]]
    assert "flowers" == model.describe()["name"]


def test_a_tree_goes_by_its_strategy_where_a_value_is_missing(load):
    """With `lastPrediction` a missing value ends the way, with what was said last; else nothing is said."""
    assert "versicolor" == load(pmml(FLOWER, TREE)).predict([[5.1, None]])[0]["predicted_kind"]
    for strategy in ("none", "nullPrediction"):
        with pytest.raises(CannotPredict, match="without these inputs: 'width'"):
            load(pmml(FLOWER, TREE.replace("lastPrediction", strategy))).predict([[5.1, None]])


def test_a_logistic_regression_over_normalized_inputs(load):
    """Derived fields feed a regression; two classes share the probability; output fields have their names and types."""
    data = """
    <DataDictionary><DataField name="income" optype="continuous" dataType="double"/>
    <DataField name="town" optype="categorical" dataType="string"><Value value="Bonn"/><Value value="Kiel"/></DataField>
    <DataField name="default" optype="categorical" dataType="integer"><Value value="0"/><Value value="1"/></DataField>
    </DataDictionary>
    """
    regression = """
    <RegressionModel functionName="classification" normalizationMethod="logit">
    <MiningSchema><MiningField name="income"/><MiningField name="town" missingValueReplacement="Bonn"/>
    <MiningField name="default" usageType="target"/></MiningSchema>
    <Output><OutputField name="is_default" feature="predictedValue"/>
    <OutputField name="p1" feature="probability" value="1"/>
    <OutputField name="points" feature="transformedValue" dataType="integer">
      <Apply function="round"><Apply function="*"><Constant>100</Constant><FieldRef field="p1"/></Apply></Apply>
    </OutputField></Output>
    <LocalTransformations><DerivedField name="scaled" optype="continuous" dataType="double">
      <NormContinuous field="income"><LinearNorm orig="0" norm="-1"/><LinearNorm orig="100" norm="1"/></NormContinuous>
    </DerivedField></LocalTransformations>
    <RegressionTable intercept="0.5" targetCategory="1"><NumericPredictor name="scaled" coefficient="2"/>
      <CategoricalPredictor name="town" value="Kiel" coefficient="1"/></RegressionTable>
    <RegressionTable intercept="0" targetCategory="0"/></RegressionModel>
    """
    model = load(pmml(data, regression))

    result = model.predict([[75.0, "Kiel"], [75.0, None]])

    wanted = [1 / (1 + math.exp(-(0.5 + 2 * 0.5 + town))) for town in (1, 0)]
    assert pytest.approx(wanted) == [one["p1"] for one in result]
    assert [1, 1] == [one["is_default"] for one in result]
    assert [round(100 * one) for one in wanted] == [one["points"] for one in result]
    with pytest.raises(CannotPredict, match="town"):
        model.predict([[1.0, "Rome"]])


@pytest.mark.parametrize(
    ("method", "expected"),
    [("majorityVote", "versicolor"), ("average", "versicolor"), ("weightedMajorityVote", "virginica")],
)
def test_forests_vote_or_average(load, method, expected):
    """Trees are combined as the document says, weights where it says so."""
    never = NODES.replace("1.75", "9")
    segments = "".join(
        f'<Segment weight="{weight}"><True/><TreeModel functionName="classification">{SCHEMA}{nodes}'
        "</TreeModel></Segment>"
        for weight, nodes in ((5, NODES), (1, never), (1, never))
    )
    mining = f'<Segmentation multipleModelMethod="{method}">{segments}</Segmentation>'
    model = load(pmml(FLOWER, f'<MiningModel functionName="classification">{SCHEMA}{mining}</MiningModel>'))

    (result,) = model.predict([[5.1, 1.8]])

    assert expected == result["predicted_kind"]
    assert pytest.approx(1) == sum(value for name, value in result.items() if name.startswith("probability"))


def test_a_chain_hands_on_what_was_said(load):
    """What the first model of a chain gives out the second takes in; targets are rescaled."""
    data = """
    <DataDictionary><DataField name="x" optype="continuous" dataType="double"/>
    <DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
    """
    first = """
    <Segment><True/><RegressionModel functionName="regression"><MiningSchema><MiningField name="x"/></MiningSchema>
    <Output><OutputField name="half" feature="predictedValue"/></Output>
    <RegressionTable intercept="0"><NumericPredictor name="x" coefficient="0.5"/></RegressionTable></RegressionModel>
    </Segment>"""
    second = """
    <Segment><True/><RegressionModel functionName="regression"><MiningSchema><MiningField name="half"/></MiningSchema>
    <RegressionTable intercept="1"><NumericPredictor name="half" exponent="2" coefficient="3"/></RegressionTable>
    </RegressionModel></Segment>"""
    mining = f"""
    <MiningModel functionName="regression"><MiningSchema><MiningField name="x"/>
    <MiningField name="y" usageType="target"/></MiningSchema>
    <Targets><Target field="y" rescaleConstant="10" rescaleFactor="2"/></Targets>
    <Segmentation multipleModelMethod="modelChain">{first}{second}</Segmentation></MiningModel>"""

    assert [{"predicted_y": 10 + 2 * (1 + 3 * 4)}] == load(pmml(data, mining)).predict([[4.0]])


def test_a_scorecard_adds_points_and_tells_why(load):
    """Points are summed; the characteristic that lost most is the first reason."""
    data = """
    <DataDictionary><DataField name="age" optype="continuous" dataType="integer"/>
    <DataField name="job" optype="categorical" dataType="string"/>
    <DataField name="score" optype="continuous" dataType="double"/></DataDictionary>"""
    card = """
    <Scorecard functionName="regression" initialScore="10" useReasonCodes="true" reasonCodeAlgorithm="pointsBelow">
    <MiningSchema><MiningField name="age"/><MiningField name="job"/><MiningField name="score" usageType="target"/>
    </MiningSchema>
    <Output><OutputField name="total" feature="predictedValue"/><OutputField name="why" feature="reasonCode" rank="1"/>
    <OutputField name="also" feature="reasonCode" rank="2"/></Output>
    <Characteristics>
    <Characteristic name="a" baselineScore="20" reasonCode="AGE">
      <Attribute partialScore="5"><SimplePredicate field="age" operator="lessThan" value="30"/></Attribute>
      <Attribute partialScore="15"><True/></Attribute></Characteristic>
    <Characteristic name="j" baselineScore="10" reasonCode="JOB">
      <Attribute partialScore="9"><SimpleSetPredicate field="job" booleanOperator="isIn">
        <Array n="2" type="string">"sea farer" baker</Array></SimpleSetPredicate></Attribute>
      <Attribute partialScore="0"><True/></Attribute></Characteristic>
    </Characteristics></Scorecard>"""
    model = load(pmml(data, card))

    assert [
        {"total": 10 + 5 + 9, "why": "AGE", "also": "JOB"},
        {"total": 10 + 15 + 0, "why": "JOB", "also": "AGE"},
    ] == model.predict([[20, "sea farer"], [40, "none"]])
    assert "Scorecard" == model.describe()["kind"]


def test_a_rule_set_goes_by_weight_and_has_a_default(load):
    """The heaviest rule that holds decides; where none does, the default."""
    data = """
    <DataDictionary><DataField name="x" optype="continuous" dataType="double"/>
    <DataField name="room" optype="categorical" dataType="string"/></DataDictionary>"""
    rules = """
    <RuleSetModel functionName="classification"><MiningSchema><MiningField name="x"/>
    <MiningField name="room" usageType="target"/></MiningSchema>
    <RuleSet defaultScore="4"><RuleSelectionMethod criterion="weightedMax"/>
    <SimpleRule score="1" weight="0.5"><SimplePredicate field="x" operator="greaterThan" value="0"/></SimpleRule>
    <CompoundRule><SimplePredicate field="x" operator="greaterThan" value="5"/>
      <SimpleRule score="2" weight="0.9"><True/></SimpleRule></CompoundRule></RuleSet></RuleSetModel>"""
    model = load(pmml(data, rules))

    assert ["4", "1", "2"] == [one["predicted_room"] for one in model.predict([[-1.0], [1.0], [6.0]])]
    assert "RuleSetModel" == model.describe()["kind"]


def test_a_document_is_served_like_any_model(client):
    """A PMML file names its model, its inputs and outputs, and predicts by name."""
    model = client.upload(pmml(FLOWER, TREE).encode(), "whatever.xml")

    result = client.predict(model, width=1.8, length=5.1)

    assert "flowers" == model["name"]
    assert "virginica" == result["predicted_kind"]
    assert {"modelPackage": "pmml", "modelType": "other"} == client.call("GET", f"/models/{model['id']}/metadata")
