"""How Go prints floating-point numbers: two formats that users see in measurements."""

import math
from decimal import Decimal


def plain(value: float) -> str:
    """Shortest digits without an exponent (Go's `'f', -1`), as Prometheus writes sample values."""
    if not math.isfinite(value):
        return _special(value)
    text = format(Decimal(repr(value)), "f")
    text = text.removesuffix(".0")
    return text.rstrip("0").rstrip(".") if "." in text else text


def general(value: float) -> str:
    """Shortest digits, with an exponent below -4 and from 6 on (Go's `%v`: a million is 1e+06)."""
    if not math.isfinite(value):
        return _special(value)
    return plain(value) if -4 <= _exponent(value) < 6 else _scientific(value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def _exponent(value: float) -> int:
    return Decimal(repr(value)).adjusted() if value else 0


def _scientific(value: float) -> str:
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    mantissa = shown[0] + (f".{shown[1:]}" if len(shown) > 1 else "")
    exponent = _exponent(value)
    return f"{'-' if sign else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
