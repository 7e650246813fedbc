"""Kinds of PMML models that are less common, against scikit-learn or against what is reckoned here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.naive_bayes import GaussianNB

from tests.models import pmmlwriter as write
from tests.models.pmmlfiles import ask, load
from tests.models.pmmlsame import DOUBLES, FEW, ROWS, loaded, predicted, same_classes, same_numbers, scores

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


@pytest.fixture(scope="module")
def bayes(folder, classes):
    """A naive Bayes model of numbers."""
    trained = GaussianNB().fit(*classes)
    stats = ""
    for column, name in enumerate(NAMES):
        each = "".join(
            f'<TargetValueStat value="{label}"><GaussianDistribution mean="{float(trained.theta_[at, column])!r}"'
            f' variance="{float(trained.var_[at, column])!r}"/></TargetValueStat>'
            for at, label in enumerate(trained.classes_)
        )
        stats += f'<BayesInput fieldName="{name}"><TargetValueStats>{each}</TargetValueStats></BayesInput>'
    counts = "".join(
        f'<TargetValueCount value="{label}" count="{count}"/>'
        for label, count in zip(trained.classes_, trained.class_count_, strict=True)
    )
    output = f'<BayesOutput fieldName="y"><TargetValueCounts>{counts}</TargetValueCounts></BayesOutput>'
    text = (
        f'<NaiveBayesModel functionName="classification" threshold="0"><!--schema--><BayesInputs>{stats}</BayesInputs>'
    )
    return of_classes(folder, f"{text}{output}</NaiveBayesModel>", trained)


@FEW
@given(rows=ROWS)
def test_naive_bayes(bayes, rows):
    """Densities and shares are multiplied as naive Bayes does."""
    same_classes(*bayes, rows)


def test_naive_bayes_of_words():
    """Shares of records are multiplied, those of missing values left out, and none is below the threshold."""
    model = load("bayes")
    yes = 60 * (20 / 60) * (40 / 60)
    no = 40 * (10 / 40) * 0.001

    answer = ask(model, colour="red", size=7.0)

    assert "yes" == predicted(answer)
    assert pytest.approx([yes / (yes + no), no / (yes + no)]) == scores(answer)
    assert pytest.approx([20 / 30, 10 / 30]) == scores(ask(model, colour="red"))


def general(kind, function, cells, more=""):
    """Return a GeneralRegressionModel with a parameter for each field and one for the constant."""
    parameters = "".join(f'<Parameter name="p{at}"/>' for at in range(len(NAMES) + 1))
    covariates = "".join(f'<Predictor name="{name}"/>' for name in NAMES)
    matrix = "".join(
        f'<PPCell value="1" predictorName="{name}" parameterName="p{at}"/>' for at, name in enumerate(NAMES, 1)
    )
    head = f'<GeneralRegressionModel functionName="{function}" modelType="{kind}" {more}><!--schema-->'
    lists = f"<ParameterList>{parameters}</ParameterList><CovariateList>{covariates}</CovariateList>"
    return f"{head}{lists}<PPMatrix>{matrix}</PPMatrix><ParamMatrix>{cells}</ParamMatrix></GeneralRegressionModel>"


def betas(values, category=None):
    """Return the cells of a ParamMatrix."""
    of = f'targetCategory="{category}"' if category is not None else ""
    return "".join(f'<PCell parameterName="p{at}" {of} beta="{float(one)!r}"/>' for at, one in enumerate(values))


@pytest.fixture(scope="module")
def multinomial(folder, classes):
    """A multinomial regression, whose last class is the reference."""
    trained = LogisticRegression(max_iter=500).fit(*classes)
    every = np.column_stack([trained.intercept_, trained.coef_])
    every = every - every[-1]
    cells = "".join(betas(row, label) for row, label in zip(every[:-1], trained.classes_, strict=False))
    more = f'targetReferenceCategory="{trained.classes_[-1]}"'
    return of_classes(folder, general("multinomialLogistic", "classification", cells, more), trained)


@FEW
@given(rows=ROWS)
def test_a_multinomial_general_regression(multinomial, rows):
    """Categories are weighed against the reference."""
    same_classes(*multinomial, rows)


@pytest.fixture(scope="module")
def poisson(folder, numbers):
    """A generalized linear model with a logarithm as its link."""
    trained = PoissonRegressor().fit(numbers[0], np.abs(numbers[1]) / 50)
    cells = betas([trained.intercept_, *trained.coef_])
    return of_numbers(folder, general("generalizedLinear", "regression", cells, 'linkFunction="log"'), trained)


@FEW
@given(rows=ROWS)
def test_a_generalized_linear_model(poisson, rows):
    """The sum of the parameters goes through the inverse of the link function."""
    same_numbers(*poisson, rows)


def test_a_general_regression_with_factors():
    """Cells of factors and covariates are multiplied; an ordinal target takes differences of probabilities."""
    answer = ask(load("ordinal"), jobcat="clerk", work=3.0)

    def share(value):
        return 1 / (1 + math.exp(-value))

    rest = 0.4 - 0.1 * 3.0 + 0.05 * 9.0
    low, middle = share(-1.0 + rest), share(0.5 + rest)
    assert pytest.approx([low, middle - low, 1 - middle]) == scores(answer)


@pytest.fixture(scope="module")
def clusters(folder, classes):
    """Clusters around centers."""
    trained = KMeans(4, n_init=1, random_state=1).fit(classes[0])
    fields = "".join(f'<ClusteringField field="{name}"/>' for name in NAMES)
    centers = "".join(
        f'<Cluster id="{at}"><Array n="5" type="real">{" ".join(repr(float(one)) for one in center)}</Array></Cluster>'
        for at, center in enumerate(trained.cluster_centers_)
    )
    measure = '<ComparisonMeasure kind="distance"><squaredEuclidean/></ComparisonMeasure>'
    head = '<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="4"><!--schema-->'
    text = f"{head}{measure}{fields}{centers}</ClusteringModel>"
    return of_numbers(folder, text, trained)


@FEW
@given(rows=ROWS)
def test_clusters(clusters, rows):
    """The nearest center is found."""
    model, trained = clusters
    distances = np.sort(trained.transform(np.array(rows, dtype=float)), axis=1)
    clear = distances[:, 1] - distances[:, 0] > 1e-9

    answers = [int(predicted(answer)) for answer in model.predict(rows)]

    assert trained.predict(np.array(rows, dtype=float))[clear].tolist() == np.array(answers)[clear].tolist()
