"""Support vectors and neural networks that scikit-learn has trained say the same as PMML."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.datasets import make_classification, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, SVR

from tests.models import pmmlwriter as write
from tests.models.pmmlsame import DOUBLES, FEW, ROWS, loaded, predicted, same_numbers, scores

NAMES = [name for name, _ in DOUBLES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where files are written."""
    return tmp_path_factory.mktemp("pmml")


@pytest.fixture(scope="module")
def classes():
    """Measurements of three classes."""
    return make_classification(300, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)


@pytest.fixture(scope="module")
def numbers():
    """Measurements and a number that depends on them."""
    return make_regression(300, 5, noise=3.0, random_state=2)


def of_classes(folder, text, trained):
    """Return a model of classes."""
    return loaded(folder, write.file_of(text, DOUBLES, ("y", "integer", trained.classes_))), trained


def of_numbers(folder, text, trained):
    """Return a model of numbers."""
    return loaded(folder, write.file_of(text, DOUBLES, ("y", "double", ()))), trained


def machines(trained, function, each, more=""):
    """Return a SupportVectorMachineModel; *each* are machines."""
    fields = "".join(f'<FieldRef field="{name}"/>' for name in NAMES)
    places = " ".join(str(at) for at in range(1, 6))
    instances = "".join(
        f'<VectorInstance id="v{at}"><REAL-SparseArray n="5"><Indices>{places}</Indices><REAL-Entries>'
        f"{' '.join(repr(float(one)) for one in vector)}</REAL-Entries></REAL-SparseArray></VectorInstance>"
        for at, vector in enumerate(trained.support_vectors_)
    )
    kernel = f'<RadialBasisKernelType gamma="{float(trained._gamma)!r}"/>'
    head = f'<SupportVectorMachineModel functionName="{function}" {more}><!--schema-->{kernel}'
    dictionary = f'<VectorFields numberOfFields="5">{fields}</VectorFields>{instances}'
    return f"{head}<VectorDictionary>{dictionary}</VectorDictionary>{each}</SupportVectorMachineModel>"


def machine(vectors, factors, constant, attributes=""):
    """Return a SupportVectorMachine."""
    names = "".join(f'<SupportVector vectorId="v{at}"/>' for at in vectors)
    values = "".join(f'<Coefficient value="{float(factor)!r}"/>' for factor in factors)
    coefficients = f'<Coefficients absoluteValue="{float(constant)!r}">{values}</Coefficients>'
    inner = f"<SupportVectors>{names}</SupportVectors>{coefficients}"
    return f"<SupportVectorMachine {attributes}>{inner}</SupportVectorMachine>"


@pytest.fixture(scope="module")
def support_regression(folder, numbers):
    """A regression with support vectors."""
    trained = SVR(C=50.0).fit(*numbers)
    each = machine(range(len(trained.support_vectors_)), trained.dual_coef_[0], trained.intercept_[0])
    return of_numbers(folder, machines(trained, "regression", each), trained)


@FEW
@given(rows=ROWS)
def test_support_vectors_of_numbers(support_regression, rows):
    """The decision function is the prediction."""
    same_numbers(*support_regression, rows)


@pytest.fixture(scope="module")
def support_classes(folder, classes):
    """A classification with support vectors, each class against each."""
    trained = SVC(decision_function_shape="ovo").fit(*classes)
    starts = np.concatenate([[0], np.cumsum(trained.n_support_)])
    each, place = "", 0
    for first in range(3):
        for second in range(first + 1, 3):
            own, others = range(starts[first], starts[first + 1]), range(starts[second], starts[second + 1])
            factors = [*trained.dual_coef_[second - 1, own], *trained.dual_coef_[first, others]]
            of = f'targetCategory="{second}" alternateTargetCategory="{first}"'
            each += machine([*own, *others], factors, trained.intercept_[place], of)
            place += 1
    text = machines(trained, "classification", each, 'classificationMethod="OneAgainstOne"')
    return of_classes(folder, text, trained)


@FEW
@given(rows=ROWS)
def test_support_vectors_of_classes(support_classes, rows):
    """Each pair of classes has a vote; where one class has most, it is predicted."""
    model, trained = support_classes
    said = trained.decision_function(np.array(rows, dtype=float))
    first = (said > 0).astype(int)  # of each pair the first class, else the second
    votes = np.array([[a + b, 1 - a + c, 2 - b - c] for a, b, c in first])
    clear = votes.max(axis=1) == 2

    answers = np.array([predicted(answer) for answer in model.predict(rows)])

    assert pytest.approx(votes / 3) == np.array([scores(answer) for answer in model.predict(rows)])
    assert votes.argmax(axis=1)[clear].tolist() == answers[clear].tolist()


def test_a_linear_machine_of_coefficients(folder, numbers):
    """A linear machine may be written as coefficients of the inputs alone."""
    trained = SVR(kernel="linear").fit(*numbers)
    each = machine((), trained.coef_[0], trained.intercept_[0]).replace("<SupportVectors></SupportVectors>", "")
    text = machines(trained, "regression", each, 'svmRepresentation="Coefficients"')
    start, end = text.index("<RadialBasis"), text.index("<VectorDictionary")
    model, _ = of_numbers(folder, f"{text[:start]}<LinearKernelType/>{text[end:]}", trained)

    same_numbers(model, trained, numbers[0][:20].tolist())


def network(trained, function, activation, outputs, last):
    """Return a NeuralNetwork."""
    inputs = "".join(
        f'<NeuralInput id="0,{at}"><DerivedField optype="continuous" dataType="double"><FieldRef field="{name}"/>'
        f"</DerivedField></NeuralInput>"
        for at, name in enumerate(NAMES)
    )
    layers = ""
    for depth, (weights, biases) in enumerate(zip(trained.coefs_, trained.intercepts_, strict=True)):
        neurons = ""
        for at, bias in enumerate(biases):
            sources = "".join(
                f'<Con from="{depth},{source}" weight="{float(one)!r}"/>' for source, one in enumerate(weights[:, at])
            )
            neurons += f'<Neuron id="{depth + 1},{at}" bias="{float(bias)!r}">{sources}</Neuron>'
        layers += f"<NeuralLayer {last if depth + 1 == len(trained.coefs_) else ''}>{neurons}</NeuralLayer>"
    head = f'<NeuralNetwork functionName="{function}" activationFunction="{activation}"><!--schema-->'
    outputs = f"<NeuralOutputs>{outputs}</NeuralOutputs>"
    return f"{head}<NeuralInputs>{inputs}</NeuralInputs>{layers}{outputs}</NeuralNetwork>"


OUTPUT = """<NeuralOutput outputNeuron="{0}"><DerivedField optype="categorical" dataType="double">{1}</DerivedField>
</NeuralOutput>"""


@pytest.fixture(scope="module")
def neural_classes(folder, classes):
    """A network of classes."""
    trained = MLPClassifier(hidden_layer_sizes=(6, 4), activation="tanh", max_iter=30, random_state=1)
    with pytest.warns(match="converged"):
        trained.fit(*classes)
    outputs = "".join(OUTPUT.format(f"3,{at}", f'<NormDiscrete field="y" value="{at}"/>') for at in range(3))
    last = 'activationFunction="identity" normalizationMethod="softmax"'
    return of_classes(folder, network(trained, "classification", "tanh", outputs, last), trained)


@FEW
@given(rows=ROWS)
def test_a_network_of_classes(neural_classes, rows):
    """Layers feed each other, and the last one is normalised."""
    model, trained = neural_classes
    chances = trained.predict_proba(np.array(rows))
    assert pytest.approx(chances) == np.array([scores(answer) for answer in model.predict(rows)])


@pytest.fixture(scope="module")
def neural_numbers(folder, numbers):
    """A network of a number, which is halved before it was learned."""
    trained = MLPRegressor(hidden_layer_sizes=(6,), activation="relu", max_iter=30, random_state=1)
    with pytest.warns(match="converged"):
        trained.fit(*numbers)
    scale = '<NormContinuous field="y"><LinearNorm orig="0" norm="1"/><LinearNorm orig="2" norm="2"/></NormContinuous>'
    last = 'activationFunction="identity"'
    return of_numbers(folder, network(trained, "regression", "rectifier", OUTPUT.format("2,0", scale), last), trained)


@FEW
@given(rows=ROWS)
def test_a_network_of_numbers(neural_numbers, rows):
    """What the target was normalised by is undone."""
    model, trained = neural_numbers
    expected = (trained.predict(np.array(rows)) - 1) * 2
    assert pytest.approx(expected) == np.array([predicted(answer) for answer in model.predict(rows)])
