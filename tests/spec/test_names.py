"""The words of a spec become the same names everywhere."""

from __future__ import annotations

import pytest

from handlers.spec.names import class_name, function_name, module_name, parameter_name


@pytest.mark.parametrize(
    ("operation_id", "function"),
    [
        ("predictJson", "predict_json"),
        ("list_models", "list_models"),
        ("getDDOByID", "get_ddo_by_id"),
        ("train-classifier_sync", "train_classifier_sync"),
        ("class", "class_"),
    ],
)
def test_an_operation_id_names_a_function(operation_id: str, function: str) -> None:
    """An operationId in any style becomes a function name in ours."""
    assert function == function_name(operation_id)


@pytest.mark.filterwarnings("ignore")  # connexion imports what other libraries deprecate
@pytest.mark.parametrize("name", ["job-id", "userAddress", "type", "filter[name]", "ids[]", "0x", "_x", "id"])
def test_a_parameter_keeps_connexions_name(name: str) -> None:
    """A parameter reaches its function under the name that connexion gives it."""
    from connexion.decorators.parameter import sanitized

    assert sanitized(name) == parameter_name(name)


def test_a_parameter_that_is_a_keyword_can_be_taken() -> None:
    """A parameter that no function could take, being a keyword, gets an underscore."""
    assert "from_" == parameter_name("from")


def test_an_api_names_its_module_and_class() -> None:
    """The name of an API is made a module and a class."""
    assert "invoke.train_classifier" == module_name("invoke/train-classifier")
    assert "TrainClassifier" == class_name("train-classifier")
    assert "listPets-answer" != class_name("listPets-answer") == "ListPetsAnswer"
