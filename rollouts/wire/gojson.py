"""JSON as Go's encoding/json writes it: compact, UTF-8, `<`, `>`, `&`, U+2028 and U+2029 escaped, floats in Go's form.

Hashes are computed over these bytes, so every byte counts. Key order is the caller's: Go writes struct fields in
declaration order and map keys sorted.
"""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

Json = Mapping[str, Any]  # a JSON object as it came

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL: Final = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')


def encode(value: Any, *, sort_keys: bool = False) -> str:
    """JSON text of dicts, lists, strings, numbers, booleans and None; raises ValueError for anything else."""
    if isinstance(value, str):
        return encode_string(value)
    if value is None or isinstance(value, bool | int | float):
        return encode_scalar(value)
    if isinstance(value, Mapping):
        return _encode_mapping(value, sort_keys=sort_keys)
    if isinstance(value, Sequence):
        return "[" + ",".join([encode(item, sort_keys=sort_keys) for item in value]) + "]"
    raise ValueError(f"{type(value).__name__} has no JSON form")


def encode_string(text: str) -> str:
    """*text* in quotes. A lone surrogate becomes U+FFFD, as when Go reads it."""
    return f'"{_SPECIAL.sub(_escaped, text)}"'


def encode_scalar(value: bool | float | None) -> str:
    """A number, boolean or null; raises ValueError for infinities and NaN."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _encode_float(value)


def _encode_mapping(value: Mapping[str, Any], *, sort_keys: bool) -> str:
    # Code points sort like the UTF-8 bytes that Go compares.
    keys = sorted(value) if sort_keys else value
    return "{" + ",".join([f"{encode_string(key)}:{encode(value[key], sort_keys=sort_keys)}" for key in keys]) + "}"


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT:
        return _SHORT[char]
    return "\ufffd" if "\ud800" <= char <= "\udfff" else f"\\u{ord(char):04x}"


def _encode_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    shortest = Decimal(repr(value)).normalize()
    if 1e-6 <= abs(value) < 1e21:
        return format(shortest, "f")
    return re.sub(r"e([+-])0+", r"e\1", format(shortest, "e"))
