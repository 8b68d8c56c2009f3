"""A checked tree and the values of its names → a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from analysis.expr import values
from analysis.expr.builtins import BUILTINS
from analysis.expr.errors import ExprError
from analysis.expr.functions import Builtin, Setting
from analysis.expr.syntax import (
    Binary,
    Call,
    Chain,
    Conditional,
    Element,
    Let,
    ListLiteral,
    Literal,
    MapLiteral,
    Member,
    Name,
    Node,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from analysis.expr.values import Budget


@dataclass(frozen=True)
class Frame:
    """Values of names at one place, and what the evaluation as a whole shares."""

    variables: Mapping[str, Any]
    functions: Mapping[str, Builtin]
    budget: Budget
    now: datetime
    element: Any = None
    index: int = 0
    accumulator: Any = None


class _NilInChainError(Exception):
    """An optional member of nil: the chain around it is nil."""


def evaluate(node: Node, frame: Frame) -> Any:
    """The value of *node*. Raises ExprError."""
    frame.budget.spend()
    return _RULES[type(node)](node, frame)


def _literal(node: Literal, _: Frame) -> Any:
    return node.value


def _name(node: Name, frame: Frame) -> Any:
    return frame.variables[node.name]


def _element(node: Element, frame: Frame) -> Any:
    match node.name:
        case "acc":
            return frame.accumulator
        case "index":
            return frame.index
    return frame.element


def _unary(node: Unary, frame: Frame) -> Any:
    operand = evaluate(node.operand, frame)
    match node.operator:
        case "-":
            return values.subtract(0, operand) if type(operand) is int else -values.number(operand)
        case "+":
            return operand
    return not values.truth(operand)


def _binary(node: Binary, frame: Frame) -> Any:
    left = evaluate(node.left, frame)
    match node.operator:
        case "and" | "&&":
            return values.truth(left) and values.truth(evaluate(node.right, frame))
        case "or" | "||":
            return values.truth(left) or values.truth(evaluate(node.right, frame))
        case "??":
            return evaluate(node.right, frame) if left is None else left
    found = _OPERATIONS[node.operator](left, evaluate(node.right, frame))
    frame.budget.spend(len(found) if isinstance(found, list) else 0)
    return found


_OPERATIONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<": lambda left, right: values.compare("<", left, right),
    ">": lambda left, right: values.compare(">", left, right),
    "<=": lambda left, right: values.compare("<=", left, right),
    ">=": lambda left, right: values.compare(">=", left, right),
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.remainder,
    "**": values.power,
    "^": values.power,
    "..": values.between,
    "in": values.contains,
    "matches": values.matches,
    "contains": lambda left, right: _both("contains", left, right, str.__contains__),
    "startsWith": lambda left, right: _both("startsWith", left, right, str.startswith),
    "endsWith": lambda left, right: _both("endsWith", left, right, str.endswith),
}


def _both(sign: str, left: Any, right: Any, test: Callable[[str, str], bool]) -> bool:
    return test(*values.both_strings(sign, left, right))


def _member(node: Member, frame: Frame) -> Any:
    base = evaluate(node.base, frame)
    if base is None and node.optional:
        raise _NilInChainError
    return values.fetch(base, evaluate(node.property, frame))


def _chain(node: Chain, frame: Frame) -> Any:
    try:
        return evaluate(node.body, frame)
    except _NilInChainError:
        return None


def _slice(node: Slice, frame: Frame) -> Any:
    base = evaluate(node.base, frame)
    start, end = (None if bound is None else values.whole(evaluate(bound, frame)) for bound in (node.start, node.end))
    return values.cut(base, start, end)


def _call(node: Call, frame: Frame) -> Any:
    builtin = frame.functions.get(node.name) or BUILTINS[node.name]
    arguments = [evaluate(argument, frame) for argument in node.arguments]
    found = builtin.run(Setting(frame.budget, frame.now), *arguments)
    frame.budget.spend(len(found) if isinstance(found, (list, dict)) else 0)
    return found


def _predicate(node: Predicate, frame: Frame) -> Callable[..., Any]:
    """The argument as a function of an element, its index and, for reduce, what came so far."""

    def asked(element: Any, index: int, accumulator: Any = None) -> Any:
        return evaluate(node.body, replace(frame, element=element, index=index, accumulator=accumulator))

    return asked


def _let(node: Let, frame: Frame) -> Any:
    value = evaluate(node.value, frame)
    return evaluate(node.body, replace(frame, variables={**frame.variables, node.name: value}))


def _sequence(node: Sequence, frame: Frame) -> Any:
    return [evaluate(part, frame) for part in node.parts][-1]


def _conditional(node: Conditional, frame: Frame) -> Any:
    return evaluate(node.yes if values.truth(evaluate(node.test, frame)) else node.no, frame)


def _list(node: ListLiteral, frame: Frame) -> list[Any]:
    return [evaluate(item, frame) for item in node.items]


def _map(node: MapLiteral, frame: Frame) -> dict[str, Any]:
    pairs = [(evaluate(key, frame), evaluate(value, frame)) for key, value in node.pairs]
    if not all(isinstance(key, str) for key, _ in pairs):
        raise ExprError("map key must be a string")
    return dict(pairs)


_RULES: Final[Mapping[type, Callable[..., Any]]] = {
    Literal: _literal,
    Name: _name,
    Element: _element,
    Unary: _unary,
    Binary: _binary,
    Member: _member,
    Slice: _slice,
    Chain: _chain,
    Call: _call,
    Predicate: _predicate,
    Let: _let,
    Sequence: _sequence,
    Conditional: _conditional,
    ListLiteral: _list,
    MapLiteral: _map,
}
