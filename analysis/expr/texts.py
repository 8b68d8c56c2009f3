"""Functions of strings."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from analysis.expr.errors import ExprError
from analysis.expr.functions import INTS, LISTS, STRINGS, Builtin, Setting, always
from analysis.expr.types import ANY, BOOL, INT, STRING, go_type, list_of
from analysis.expr.values import MAX_TEXT, whole
from analysis.gofloat import general
from rollouts.wire.durations import format_go_duration
from rollouts.wire.gojson import encode

_REFUSAL: Final = "cannot use {type} as argument (type string) to call {name} "


def shown(value: Any) -> str:
    """The value as Go's `%v` prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return general(value)
        case list():
            return f"[{' '.join(map(shown, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
        case timedelta():
            return format_go_duration(value)
        case datetime():
            return _moment(value)
    return str(value)


def _moment(value: datetime) -> str:
    fraction = f"{value:.%f}".rstrip("0").rstrip(".")
    offset = f"{value:%z}"
    return f"{value:%Y-%m-%d %H:%M:%S}{fraction} {offset} {'UTC' if offset == '+0000' else offset}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ExprError(f"interface conversion: interface {{}} is {go_type(value)}, not string")
    return value


def _bounded(size: int) -> None:
    if size > MAX_TEXT:
        raise ExprError(f"string is longer than {MAX_TEXT} characters")


def _of_strings(compute: Callable[..., Any], count: int = 1, most: int | None = None, returns: Any = STRING) -> Builtin:
    """A function whose arguments are all strings."""

    def computed(_: Setting, *arguments: Any) -> Any:
        return compute(*map(_text, arguments))

    return Builtin(computed, (STRINGS,), always(returns), fewest=count, most=most or count, refusal=_REFUSAL)


def _split(_: Setting, text: Any, separator: Any, limit: Any = -1) -> list[str]:
    whole_text, between, most = _text(text), _text(separator), whole(limit)
    if most == 0:
        return []
    if not between:
        return list(whole_text) if most < 0 else [*whole_text[: most - 1], whole_text[most - 1 :]]
    return whole_text.split(between, most - 1 if most > 0 else -1)


def _split_after(setting: Setting, text: Any, separator: Any, limit: Any = -1) -> list[str]:
    parts = _split(setting, text, separator, limit)
    return [part + separator for part in parts[:-1]] + parts[-1:]


def _replace(_: Setting, text: Any, old: Any, new: Any, limit: Any = -1) -> str:
    whole_text, before, after, most = _text(text), _text(old), _text(new), whole(limit)
    found = whole_text.count(before) if most < 0 else min(most, whole_text.count(before))
    _bounded(len(whole_text) + found * max(0, len(after) - len(before)))
    return whole_text.replace(before, after, most)


def _repeat(_: Setting, text: Any, times: Any) -> str:
    once, count = _text(text), whole(times)
    if count < 0:
        raise ExprError(f"invalid argument for repeat (expected positive integer, got {count})")
    _bounded(len(once) * count)
    return once * count


def _join(_: Setting, items: Any, separator: Any = "") -> str:
    if not isinstance(items, list):
        raise ExprError(f"cannot join {go_type(items)}")
    parts = [_text(item) for item in items]
    _bounded(sum(map(len, parts)) + len(parts) * len(_text(separator)))
    return _text(separator).join(parts)


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except binascii.Error as error:
        raise ExprError(f"illegal base64 data: {error}") from error


def _to_json(_: Setting, value: Any) -> str:
    try:
        return encode(value, sort_keys=True)
    except ValueError as error:
        raise ExprError(f"json: unsupported value: {error}") from error


def _from_json(_: Setting, text: Any) -> Any:
    try:
        return json.loads(_text(text), parse_int=float, parse_constant=_not_json)
    except ValueError as error:
        raise ExprError(f"invalid JSON: {error}") from error


def _not_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_TEXT_AND_NUMBER: Final = (STRINGS, STRINGS, INTS)

TEXT_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "string": Builtin(lambda _, value: shown(value), returns=always(STRING)),
    "trim": _of_strings(lambda text, signs=None: text.strip(signs), 1, 2),
    "trimPrefix": _of_strings(lambda text, prefix=" ": text.removeprefix(prefix), 1, 2),
    "trimSuffix": _of_strings(lambda text, suffix=" ": text.removesuffix(suffix), 1, 2),
    "upper": _of_strings(str.upper),
    "lower": _of_strings(str.lower),
    "split": Builtin(_split, _TEXT_AND_NUMBER, always(list_of(STRING)), fewest=2, most=3, refusal=_REFUSAL),
    "splitAfter": Builtin(_split_after, _TEXT_AND_NUMBER, always(list_of(STRING)), fewest=2, most=3, refusal=_REFUSAL),
    "replace": Builtin(_replace, (STRINGS, STRINGS, STRINGS, INTS), always(STRING), fewest=3, most=4, refusal=_REFUSAL),
    "repeat": Builtin(_repeat, (STRINGS, INTS), always(STRING), fewest=2, most=2, refusal=_REFUSAL),
    "join": Builtin(_join, (LISTS, STRINGS), always(STRING), fewest=1, most=2),
    "indexOf": _of_strings(str.find, 2, returns=INT),
    "lastIndexOf": _of_strings(str.rfind, 2, returns=INT),
    "hasPrefix": _of_strings(str.startswith, 2, returns=BOOL),
    "hasSuffix": _of_strings(str.endswith, 2, returns=BOOL),
    "toJSON": Builtin(_to_json, returns=always(STRING)),
    "fromJSON": Builtin(_from_json, (STRINGS,), always(ANY)),
    "toBase64": _of_strings(lambda text: base64.b64encode(text.encode()).decode()),
    "fromBase64": _of_strings(_from_base64),
}
