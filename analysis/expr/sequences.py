"""Functions of lists and maps, those with a predicate among them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import Any, Final

from analysis.expr.errors import ExprError
from analysis.expr.functions import INTS, LISTS, PREDICATE, STRINGS, Builtin, Setting, always
from analysis.expr.types import ANY, BOOL, INT, LIST, MAP, STRING, Base, Type, go_type, is_number, list_of
from analysis.expr.values import compare, equal, fetch, truth, whole

Ask = Callable[..., Any]

_ARRAY_ONLY: Final = "builtin {name} takes only array (got {type})"
_NOTHING: Final[Any] = object()


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ExprError(f"reflect: call of reflect.Value.Len on {go_type(value)} Value")
    return value


def _answers(items: Any, ask: Ask) -> Iterator[bool]:
    return (truth(ask(item, at)) for at, item in enumerate(_items(items)))


def _held(items: Any, ask: Ask) -> Iterator[tuple[int, Any]]:
    """Index and element of those that satisfy the predicate."""
    return ((at, item) for at, item in enumerate(_items(items)) if truth(ask(item, at)))


def _held_from_end(items: Any, ask: Ask) -> Iterator[tuple[int, Any]]:
    found = _items(items)
    return ((at, found[at]) for at in range(len(found) - 1, -1, -1) if truth(ask(found[at], at)))


def _one(_: Setting, items: Any, ask: Ask) -> bool:
    return sum(_answers(items, ask)) == 1


def _count(_: Setting, items: Any, ask: Ask | None = None) -> int:
    return sum(_answers(items, ask)) if ask else sum(truth(item) for item in _items(items))


def _map(_: Setting, items: Any, ask: Ask) -> list[Any]:
    return [ask(item, at) for at, item in enumerate(_items(items))]


def _sum(setting: Setting, items: Any, ask: Ask | None = None) -> Any:
    total: Any = 0
    for value in _map(setting, items, ask) if ask else _items(items):
        if not is_number(value):
            raise ExprError(f"invalid operation: {go_type(total)} + {go_type(value)}")
        setting.budget.spend()
        total += value
    return total


def _found(search: Callable[[Any, Ask], Iterator[tuple[int, Any]]], part: int) -> Callable[..., Any]:
    def found(_: Setting, items: Any, ask: Ask) -> Any:
        return next(search(items, ask), (None, None))[part]

    return found


def _reduce(_: Setting, items: Any, ask: Ask, start: Any = _NOTHING) -> Any:
    found = _items(items)
    if start is _NOTHING and not found:
        raise ExprError("reduce of empty array with no initial value")
    first = 1 if start is _NOTHING else 0
    total = found[0] if first else start
    for at, item in enumerate(found[first:], first):
        total = ask(item, at, total)
    return total


def _group_by(_: Setting, items: Any, ask: Ask) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for at, item in enumerate(_items(items)):
        groups.setdefault(_group(ask(item, at)), []).append(item)
    return groups


def _group(key: Any) -> Any:
    if isinstance(key, (list, dict)):
        raise ExprError(f"cannot use {go_type(key)} as map key")
    return key


def _order(setting: Setting, order: Any) -> Callable[[Any, Any], int]:
    if order not in ("asc", "desc"):
        raise ExprError(f"unknown order, use asc or desc (got {order})")
    sign = 1 if order == "asc" else -1

    def compared(left: Any, right: Any) -> int:
        setting.budget.spend()
        return sign * (compare(">", left, right) - compare("<", left, right))

    return compared


def _sort(setting: Setting, items: Any, order: Any = "asc") -> list[Any]:
    return sorted(_items(items), key=cmp_to_key(_order(setting, order)))


def _sort_by(setting: Setting, items: Any, ask: Ask, order: Any = "asc") -> list[Any]:
    key = cmp_to_key(_order(setting, order))
    pairs = [(ask(item, at), item) for at, item in enumerate(_items(items))]
    return [item for _, item in sorted(pairs, key=lambda pair: key(pair[0]))]


def _length(_: Setting, value: Any) -> int:
    if isinstance(value, (list, dict, str)):
        return len(value)
    raise ExprError(f"invalid argument for len (type {go_type(value)})")


def _get(_: Setting, base: Any, index: Any) -> Any:
    """As `base[index]`, but nil where that fails."""
    try:
        return fetch(base, index)
    except ExprError:
        return None


def _take(_: Setting, items: Any, count: Any) -> list[Any]:
    if whole(count) < 0:
        raise ExprError(f"cannot take {whole(count)} elements")
    return _items(items)[: whole(count)]


def _entries(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ExprError(f"cannot get keys from {go_type(value)}")
    return value


def _from_pairs(_: Setting, pairs: Any) -> dict[Any, Any]:
    found = _items(pairs)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in found):
        raise ExprError("invalid pair: a pair is an array of two")
    return {_group(key): value for key, value in found}


def _uniq(setting: Setting, items: Any) -> list[Any]:
    kept: list[Any] = []
    for item in _items(items):
        setting.budget.spend(len(kept))
        if not any(equal(item, one) for one in kept):
            kept.append(item)
    return kept


def _flatten(setting: Setting, items: Any) -> list[Any]:
    flat: list[Any] = []
    for item in _items(items):
        setting.budget.spend()
        flat.extend(_flatten(setting, item) if isinstance(item, list) else (item,))
    return flat


def _concat(_: Setting, *lists: Any) -> list[Any]:
    return [item for items in lists for item in _items(items)]


def _first_item(types: Sequence[Type]) -> Type:
    return types[0].item


def _same_list(types: Sequence[Type]) -> Type:
    return list_of(types[0].item)


def _mapped(types: Sequence[Type]) -> Type:
    return list_of(types[1])


def _asking(run: Callable[..., Any], returns: Callable[[Sequence[Type]], Type], fewest: int = 2) -> Builtin:
    """A function of a list and a predicate that must give a boolean."""
    return Builtin(run, (LISTS, PREDICATE), returns, fewest=fewest, most=2, refusal=_ARRAY_ONLY)


def _using(
    run: Callable[..., Any], returns: Callable[[Sequence[Type]], Type], fewest: int = 2, most: int = 2
) -> Builtin:
    """A function of a list and an expression over its elements that may give anything."""
    return Builtin(run, (LISTS, None, None), returns, fewest=fewest, most=most, refusal=_ARRAY_ONLY)


def _of_list(run: Callable[..., Any], returns: Callable[[Sequence[Type]], Type], most: int | None = 1) -> Builtin:
    return Builtin(run, (LISTS,), returns, most=most)


def _of_map(run: Callable[..., Any], returns: Type) -> Builtin:
    return Builtin(run, (frozenset({Base.MAP}),), always(returns))


def _end(at: int) -> Callable[[Setting, Any], Any]:
    """The element at one end, or nil of an empty list."""
    return lambda _, items: _items(items)[at] if _items(items) else None


SEQUENCE_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "all": _asking(lambda _, items, ask: all(_answers(items, ask)), always(BOOL)),
    "any": _asking(lambda _, items, ask: any(_answers(items, ask)), always(BOOL)),
    "none": _asking(lambda _, items, ask: not any(_answers(items, ask)), always(BOOL)),
    "one": _asking(_one, always(BOOL)),
    "filter": _asking(lambda _, items, ask: [item for _, item in _held(items, ask)], _same_list),
    "count": _asking(_count, always(INT), fewest=1),
    "find": _asking(_found(_held, 1), _first_item),
    "findIndex": _asking(_found(_held, 0), always(ANY)),
    "findLast": _asking(_found(_held_from_end, 1), _first_item),
    "findLastIndex": _asking(_found(_held_from_end, 0), always(ANY)),
    "map": _using(_map, _mapped),
    "sum": _using(_sum, lambda types: types[1] if len(types) > 1 else types[0].item, fewest=1),
    "reduce": _using(_reduce, always(ANY), most=3),
    "groupBy": _using(_group_by, always(MAP)),
    "sortBy": _using(_sort_by, _same_list, most=3),
    "sort": Builtin(_sort, (LISTS, STRINGS), _same_list, fewest=1, most=2),
    "len": Builtin(_length, (frozenset({Base.LIST, Base.MAP, Base.STRING}),), always(INT)),
    "first": _of_list(_end(0), _first_item),
    "last": _of_list(_end(-1), _first_item),
    "get": Builtin(_get, (frozenset({Base.LIST, Base.MAP}), None), _first_item, fewest=2, most=2),
    "take": Builtin(_take, (LISTS, INTS), _same_list, fewest=2, most=2),
    "keys": _of_map(lambda _, value: sorted(_entries(value)), list_of(STRING)),
    "values": _of_map(lambda _, value: list(_entries(value).values()), LIST),
    "toPairs": _of_map(lambda _, value: [[key, item] for key, item in _entries(value).items()], LIST),
    "fromPairs": _of_list(_from_pairs, always(MAP)),
    "reverse": _of_list(lambda _, items: _items(items)[::-1], _same_list),
    "uniq": _of_list(_uniq, _same_list),
    "concat": _of_list(_concat, always(LIST), most=None),
    "flatten": _of_list(_flatten, always(LIST)),
}
