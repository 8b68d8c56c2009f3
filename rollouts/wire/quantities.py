"""Kubernetes resource quantities: `500m`, `1Gi`, `12e6`."""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from rollouts.wire.gojson import encode_scalar

_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENTS: Final = {suffix: exponent for exponent, suffix in _DECIMAL.items()}
_FORM: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<fraction>\d*))?(?P<suffix>[KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)", re.ASCII
)
_INT64: Final = 2**63
_NANO: Final = 10**9
_MOST_DIGITS: Final = 18
_MOST_DIGITS_OF_BINARY: Final = 14


class _Parsed(NamedTuple):
    """A quantity taken apart; *whole* has no leading zeros but the one it needs."""

    text: str
    negative: bool
    whole: str
    fraction: str
    suffix: str

    @property
    def digits(self) -> str:
        return self.whole + self.fraction

    @property
    def power(self) -> int:
        """Power of 1024 of a binary suffix, else 0."""
        return _BINARY.index(self.suffix) if self.suffix in _BINARY else 0

    @property
    def is_exponent_form(self) -> bool:
        return self.suffix[:1] in {"e", "E"} and len(self.suffix) > 1 and not self.power

    @property
    def exponent(self) -> int:
        """Power of ten of a decimal suffix, else 0."""
        return int(self.suffix[1:]) if self.is_exponent_form else _EXPONENTS.get(self.suffix, 0)

    @property
    def size(self) -> Fraction:
        """Exact absolute value."""
        return int(self.digits) * Fraction(1024) ** self.power * Fraction(10) ** (self.exponent - len(self.fraction))

    @property
    def is_kept_as_written(self) -> bool:
        """Whether Go reuses the text it read because it takes it for canonical, which is not always so (`1.500`)."""
        if self.power:
            fits = len(self.whole) + 3 * self.power <= _MOST_DIGITS_OF_BINARY
            return fits and not self.fraction and bool(int(self.whole) & 7)
        scale = self.exponent - len(self.fraction)
        fits = len(self.digits) <= _MOST_DIGITS and scale >= -9
        return fits and scale % 3 == 0 and not self.digits.endswith("000") and not self.digits.startswith("0")


def canonical(quantity: str | float) -> str:
    """*quantity* as Go writes it back (1000m is 1, 1024Mi is 1Gi, 0.5 is 500m); a number is read as its JSON text.

    The value is exact, rounded up at nano. Raises ValueError when it is no quantity.
    """
    return _canonical(_text(quantity))


def value(quantity: str | float) -> Fraction:
    """What *quantity* amounts to, rounded away from zero at nano. Raises ValueError when it is no quantity."""
    return _value(_parse(_text(quantity)))


def _text(quantity: str | float) -> str:
    if isinstance(quantity, str):
        return quantity
    if isinstance(quantity, int | float) and not isinstance(quantity, bool):
        return encode_scalar(quantity)
    raise ValueError(f"expected a quantity, found {type(quantity).__name__}")


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    parsed = _parse(text)
    if parsed.is_kept_as_written:
        return parsed.text
    amount = _value(parsed)
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    if not size:
        return "0"
    if parsed.power and size >= 1024 and size.denominator == 1:
        return sign + _binary_text(int(size))
    return sign + _decimal_text(size, exponent_form=parsed.is_exponent_form)


def _parse(text: str) -> _Parsed:
    stripped = text.strip()
    match = _FORM.fullmatch(stripped)
    if match is None or not stripped:
        raise ValueError(f'"{text}" is not a quantity such as 500m, 1.5 or 2Gi')
    # Go reads a quantity without digits (`Gi`) as zero.
    return _Parsed(
        stripped, match["sign"] == "-", match["whole"].lstrip("0") or "0", match["fraction"] or "", match["suffix"]
    )


def _value(parsed: _Parsed) -> Fraction:
    scaled = parsed.size * _NANO
    size = Fraction(-(-scaled.numerator // scaled.denominator), _NANO)
    if parsed.power:
        size = min(size, Fraction(_INT64 - 1))
    return -size if parsed.negative else size


def _binary_text(size: int) -> str:
    power = 0
    while size % 1024 == 0 and power < len(_BINARY) - 1:
        size //= 1024
        power += 1
    return f"{size}{_BINARY[power]}"


def _decimal_text(size: Fraction, *, exponent_form: bool) -> str:
    exponent = -9
    mantissa = int(size * _NANO)
    while mantissa % 1000 == 0 and (exponent < max(_DECIMAL) or exponent_form):
        mantissa //= 1000
        exponent += 3
    if exponent_form:
        return f"{mantissa}e{exponent}" if exponent else f"{mantissa}"
    return f"{mantissa}{_DECIMAL[exponent]}"
