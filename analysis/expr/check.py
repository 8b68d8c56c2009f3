"""What can be refused before an expression is evaluated: unknown names and operators whose sides cannot fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from analysis.expr.builtins import BUILTINS
from analysis.expr.errors import ExprError
from analysis.expr.functions import Builtin
from analysis.expr.parse import PREDICATE_AT
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
from analysis.expr.types import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    LIST,
    MAP,
    NIL,
    NUMBERS,
    STRING,
    TIME,
    Base,
    Type,
    list_of,
    type_of,
)
from analysis.expr.values import pattern


@dataclass(frozen=True)
class Scope:
    """What names mean at one place: variables, functions of the environment, and `#` inside a predicate."""

    variables: Mapping[str, Type]
    functions: Mapping[str, Builtin]
    element: Type = ANY
    accumulator: Type = ANY


def check(node: Node, scope: Scope) -> Type:
    """The type of *node*. Raises ExprError with the first contradiction, in reading order."""
    return _RULES[type(node)](node, scope)


def _literal(node: Literal, _: Scope) -> Type:
    return type_of(node.value)


def _name(node: Name, scope: Scope) -> Type:
    if node.name not in scope.variables:
        raise ExprError(f"unknown name {node.name}")
    return scope.variables[node.name]


def _element(node: Element, scope: Scope) -> Type:
    match node.name:
        case "":
            return scope.element
        case "acc":
            return scope.accumulator
        case "index":
            return INT
    raise ExprError(f"unknown pointer #{node.name}")


def _unary(node: Unary, scope: Scope) -> Type:
    operand = check(node.operand, scope)
    if node.operator in ("!", "not"):
        if operand.is_one_of(Base.BOOL, Base.ANY):
            return BOOL
    elif operand.is_one_of(*NUMBERS, Base.ANY):
        return operand
    raise ExprError(f"invalid operation: {node.operator} (mismatched type {operand})")


def _binary(node: Binary, scope: Scope) -> Type:
    left, right = check(node.left, scope), check(node.right, scope)
    if node.operator == "matches" and isinstance(node.right, Literal) and isinstance(node.right.value, str):
        pattern(node.right.value)
    if node.operator == "in":
        found = _membership(left, right)
    elif node.operator == "??":
        return _coalesced(left, right)
    elif node.operator in ("==", "!="):
        found = BOOL if comparable(left, right) else None
    else:
        found = _operation(node.operator, left, right)
    if found is None:
        raise ExprError(f"invalid operation: {node.operator} (mismatched types {left} and {right})")
    return found


def comparable(left: Type, right: Type) -> bool:
    """The two may be compared with ==."""
    if left.base in (Base.ANY, Base.NIL) or right.base in (Base.ANY, Base.NIL):
        return True
    return left.base == right.base or (left.base in NUMBERS and right.base in NUMBERS)


def _membership(left: Type, right: Type) -> Type | None:
    if right.base is Base.MAP:
        if not left.is_one_of(Base.STRING, Base.ANY, Base.NIL):
            raise ExprError(f"cannot use {left} as type string in map key")
        return BOOL
    if right.base is Base.LIST:
        if not comparable(left, right.item):
            raise ExprError(f"cannot use {left} as type {right.item} in array")
        return BOOL
    return BOOL if right.base is Base.ANY or (left.base is Base.ANY and right.base is Base.STRING) else None


def _coalesced(left: Type, right: Type) -> Type:
    if left.base is Base.NIL:
        return right
    return left if right.base is Base.NIL or right == left else ANY


# For each operator, which pairs of sides fit and what comes out.
_NUMERIC: Final = tuple((left, right) for left in NUMBERS for right in NUMBERS)
_INT_PAIR: Final = ((Base.INT, Base.INT),)
_STRINGS: Final = ((Base.STRING, Base.STRING),)
_BOOLS: Final = ((Base.BOOL, Base.BOOL),)
_TIMES: Final = ((Base.TIME, Base.TIME),)
_DURATIONS: Final = ((Base.DURATION, Base.DURATION),)

_ORDERED: Final = dict.fromkeys((*_NUMERIC, *_STRINGS, *_TIMES, *_DURATIONS), BOOL)
_ARITHMETIC: Final = {**dict.fromkeys(_NUMERIC, FLOAT), (Base.INT, Base.INT): INT}
_SCALED: Final = {pair: DURATION for n in NUMBERS for pair in ((n, Base.DURATION), (Base.DURATION, n))}
_SIDES: Final[Mapping[str, Mapping[tuple[Base, Base], Type]]] = {
    **{operator: dict.fromkeys(_BOOLS, BOOL) for operator in ("or", "||", "and", "&&")},
    **dict.fromkeys(("<", ">", "<=", ">="), _ORDERED),
    "-": {
        **_ARITHMETIC,
        (Base.TIME, Base.TIME): DURATION,
        (Base.TIME, Base.DURATION): TIME,
        (Base.DURATION, Base.DURATION): DURATION,
    },
    "+": {
        **_ARITHMETIC,
        (Base.STRING, Base.STRING): STRING,
        (Base.TIME, Base.DURATION): TIME,
        (Base.DURATION, Base.TIME): TIME,
        (Base.DURATION, Base.DURATION): DURATION,
    },
    "*": {**_ARITHMETIC, **_SCALED, (Base.DURATION, Base.DURATION): DURATION},
    **{operator: dict.fromkeys(_NUMERIC, FLOAT) for operator in ("/", "**", "^")},
    "%": dict.fromkeys(_INT_PAIR, INT),
    "..": dict.fromkeys(_INT_PAIR, list_of(INT)),
    **{operator: dict.fromkeys(_STRINGS, BOOL) for operator in ("matches", "contains", "startsWith", "endsWith")},
}


def _operation(operator: str, left: Type, right: Type) -> Type | None:
    """What comes out, or None when no pair fits; ANY stands for whatever would fit."""
    fits = [
        out
        for (one, other), out in _SIDES[operator].items()
        if left.base in (one, Base.ANY) and right.base in (other, Base.ANY)
    ]
    if not fits:
        return None
    return fits[0] if all(out == fits[0] for out in fits) else ANY


def _member(node: Member, scope: Scope) -> Type:
    base, index = check(node.base, scope), check(node.property, scope)
    field = node.property.value if isinstance(node.property, Literal) else None
    match base.base:
        case Base.ANY:
            return ANY
        case Base.NIL:
            raise ExprError(f"type {base} has no field {field}")
        case Base.MAP:
            if not index.is_one_of(Base.STRING, Base.ANY):
                raise ExprError(f"cannot use {index} to get an element from {base}")
            return base.item
        case Base.LIST:
            if not index.is_one_of(Base.INT, Base.ANY):
                raise ExprError(f"array elements can only be selected using an integer (got {index})")
            return base.item
    if isinstance(field, str):
        raise ExprError(f"type {base} has no field {field}")
    raise ExprError(f"type {base}[{index}] is undefined")


def _slice(node: Slice, scope: Scope) -> Type:
    base = check(node.base, scope)
    if not base.is_one_of(Base.ANY, Base.STRING, Base.LIST):
        raise ExprError(f"cannot slice {base}")
    for bound in (node.start, node.end):
        found = INT if bound is None else check(bound, scope)
        if not found.is_one_of(Base.INT, Base.ANY):
            raise ExprError(f"non-integer slice index {found}")
    return base


def _chain(node: Chain, scope: Scope) -> Type:
    check(node.body, scope)
    return ANY


def _call(node: Call, scope: Scope) -> Type:
    builtin = scope.functions.get(node.name) or BUILTINS.get(node.name)
    if builtin is None:
        raise ExprError(f"unknown name {node.name}")
    builtin.check_count(node.name, len(node.arguments))
    types: list[Type] = []
    for at, argument in enumerate(node.arguments):
        inner = scope
        if at == PREDICATE_AT.get(node.name):
            started = check(node.arguments[2], scope) if node.name == "reduce" and len(node.arguments) > 2 else ANY
            inner = replace(scope, element=types[0].item, accumulator=started)
        types.append(check(argument, inner))
        builtin.check_argument(node.name, at, types[at])
    return builtin.returns(types)


def _predicate(node: Predicate, scope: Scope) -> Type:
    return check(node.body, scope)


def _let(node: Let, scope: Scope) -> Type:
    if node.name in scope.variables or node.name in scope.functions:
        raise ExprError(f"cannot redeclare {node.name}")
    if node.name in BUILTINS:
        raise ExprError(f"cannot redeclare builtin {node.name}")
    value = check(node.value, scope)
    return check(node.body, replace(scope, variables={**scope.variables, node.name: value}))


def _sequence(node: Sequence, scope: Scope) -> Type:
    return [check(part, scope) for part in node.parts][-1]


def _conditional(node: Conditional, scope: Scope) -> Type:
    test, yes, no = (check(part, scope) for part in (node.test, node.yes, node.no))
    if not test.is_one_of(Base.BOOL, Base.ANY):
        raise ExprError(f"non-bool expression (type {test}) used as condition")
    if yes.base is Base.NIL:
        return no if no.base is not Base.NIL else NIL
    return yes if no.base is Base.NIL or no == yes else ANY


def _list(node: ListLiteral, scope: Scope) -> Type:
    types = [check(item, scope) for item in node.items]
    return list_of(types[0]) if types and all(found == types[0] for found in types) else LIST


def _map(node: MapLiteral, scope: Scope) -> Type:
    for key, value in node.pairs:
        found = check(key, scope)
        if not found.is_one_of(Base.STRING, Base.ANY):
            raise ExprError(f"map key must be a string (got {found})")
        check(value, scope)
    return MAP


_RULES: Final[Mapping[type, Callable[..., Type]]] = {
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
