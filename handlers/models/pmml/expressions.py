"""Expressions: what a DerivedField, a function or an OutputField is computed by.

Source: PMML 4.4, Transformations; Functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from handlers.models.pmml import functions, tables
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import Invalid, wrong
from handlers.models.pmml.kinds import CASTS, guessed, literal
from handlers.models.pmml.mining import OPTYPES
from handlers.models.pmml.scope import Expression, Row, Scope, Step

TREATMENTS: Final = ("returnInvalid", "asIs", "asMissing")


def expression_in(element: Element, scope: Scope) -> Expression:
    """Return the expression that stands in an element.

    Raises:
        Unreadable: There is none, or one that is not evaluated.
    """
    for child in element.children:
        if child.tag not in ("Value", "ParameterField"):
            return compiled(child, scope)
    raise wrong(element, "There is no expression in it.")


def compiled(element: Element, scope: Scope) -> Expression:
    """Return an expression that evaluates a row."""
    scope.program.spend(element)
    compiler = EXPRESSIONS.get(element.tag)
    if compiler is None:
        raise wrong(element, "this expression is not evaluated.")
    scope.program.depth += 1
    found = compiler(element, scope)
    scope.program.depth -= 1
    return found


def constant(element: Element, _scope: Scope) -> Expression:
    """Return a Constant; its type is guessed where the file names none."""
    if element.flag("missing", False):
        return lambda _row: None
    kind = element.choice("dataType", tuple(CASTS), guessed(element.text))
    value = literal(element, element.text, kind)
    return lambda _row: value


def field_ref(element: Element, scope: Scope) -> Expression:
    """Return a FieldRef."""
    field = scope.of(element)
    slot = field.slot
    if "mapMissingTo" not in element.attributes:
        return lambda row: row[slot]
    other = literal(element, element.get("mapMissingTo"), field.kind)
    return lambda row: other if (value := row[slot]) is None else value


def derived(element: Element, scope: Scope) -> Step:
    """Return what computes a DerivedField, which can be named from now on."""
    kind = element.choice("dataType", tuple(CASTS))
    values = tuple(literal(one, one.text_of("value"), kind) for one in element.all("Value"))
    evaluate = expression_in(element, scope)
    optype = element.choice("optype", OPTYPES)
    field = scope.add(element.text_of("name"), kind, optype, values)
    slot, cast = field.slot, field.cast

    def step(row: Row) -> None:
        value = evaluate(row)
        row[slot] = None if value is None else cast(value)

    return step


def apply(element: Element, scope: Scope) -> Expression:
    """Return a function's call; what it gives instead of a missing value stands beside it."""
    name = element.text_of("function")
    arguments = [compiled(child, scope) for child in element.children]
    call = (
        conditional(element, arguments)
        if name == "if"
        else of_file(element, scope.program.functions[name], scope, arguments)
        if name in scope.program.functions
        else built_in(element, name, arguments)
    )
    call = guarded(call, element.choice("invalidValueTreatment", TREATMENTS, "returnInvalid"))
    return replaced(element, call)


def replaced(element: Element, call: Expression) -> Expression:
    """Return a call with mapMissingTo or defaultValue in the place of what is missing."""
    text = element.attributes.get("mapMissingTo", element.attributes.get("defaultValue"))
    if text is None:
        return call
    other = literal(element, text, guessed(text))
    return lambda row: other if (value := call(row)) is None else value


def guarded(call: Expression, treatment: str) -> Expression:
    """Return a call that is invalid, or missing, where what it computes has no value."""

    def evaluate(row: Row) -> Any:
        try:
            return call(row)
        except (ArithmeticError, ValueError, TypeError) as error:
            if treatment == "returnInvalid":
                raise Invalid(f"A function has no value: {str(error)[:200]}") from error
            return None

    return evaluate


def conditional(element: Element, arguments: list[Expression]) -> Expression:
    """Return `if`: only the branch that is taken is computed."""
    if len(arguments) not in (2, 3):
        raise wrong(element, "`if` takes two or three arguments.")
    test, then = arguments[:2]
    otherwise = arguments[2] if len(arguments) == 3 else None

    def evaluate(row: Row) -> Any:
        verdict = test(row)
        if verdict is None:
            return None
        if verdict:
            return then(row)
        return None if otherwise is None else otherwise(row)

    return evaluate


def built_in(element: Element, name: str, arguments: list[Expression]) -> Expression:
    """Return the call of a function that PMML defines."""
    lenient = name in functions.LENIENT
    found = functions.LENIENT.get(name) or functions.STRICT.get(name)
    if found is None:
        raise wrong(element, f"the function {name[:100]!r} is not evaluated.")
    function, least, most = found
    if not least <= len(arguments) <= most:
        raise wrong(element, f"the function {name!r} does not take {len(arguments)} arguments.")
    if lenient:
        return lambda row: function(*[argument(row) for argument in arguments])
    return strict(function, arguments)


def strict(function: Callable[..., Any], arguments: list[Expression]) -> Expression:
    """Return the call of a function whose result is missing where an argument is."""
    if len(arguments) == 2:
        first, second = arguments

        def evaluate_two(row: Row) -> Any:
            left, right = first(row), second(row)
            return None if left is None or right is None else function(left, right)

        return evaluate_two

    def evaluate(row: Row) -> Any:
        values = [argument(row) for argument in arguments]
        return None if None in values else function(*values)

    return evaluate


def of_file(element: Element, function: Element, scope: Scope, arguments: list[Expression]) -> Expression:
    """Return the call of a DefineFunction, which is put in here with places of its own for its parameters."""
    inner = Scope(scope.program)
    parameters = list(function.all("ParameterField"))
    if len(parameters) != len(arguments):
        raise wrong(element, f"the function takes {len(parameters)} arguments.")
    slots = []
    for one in parameters:
        kind = one.choice("dataType", tuple(CASTS), "string")
        field = inner.add(one.text_of("name"), kind, one.choice("optype", OPTYPES, "categorical"))
        slots.append((field.slot, field.cast if "dataType" in one.attributes else None))
    name = function.text_of("name")
    # While its body is put in, the function is none that could be called: it would never end.
    scope.program.functions.pop(name)
    scope.program.calls += 1
    body = expression_in(function, inner)
    scope.program.calls -= 1
    scope.program.functions[name] = function
    cast = CASTS[function.choice("dataType", tuple(CASTS))] if "dataType" in function.attributes else None
    return calling(list(zip(slots, arguments, strict=True)), body, cast)


def calling(given: list[Any], body: Expression, cast: Callable[[Any], Any] | None) -> Expression:
    """Return what puts arguments into their places and evaluates a function's body."""

    def evaluate(row: Row) -> Any:
        for (slot, kind), argument in given:
            value = argument(row)
            row[slot] = value if value is None or kind is None else kind(value)
        value = body(row)
        return value if value is None or cast is None else cast(value)

    return evaluate


EXPRESSIONS: Final[Mapping[str, Callable[[Element, Scope], Expression]]] = {
    "Constant": constant,
    "FieldRef": field_ref,
    "Apply": apply,
    "NormContinuous": tables.norm_continuous,
    "NormDiscrete": tables.norm_discrete,
    "Discretize": tables.discretize,
    "MapValues": tables.map_values,
}
