"""Durations and times as Go and Kubernetes spell them: `1h30m`, `500ms`, `2026-01-31T08:00:00Z`."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5
    "μs": 1_000,  # U+03BC
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(rf"(\d+\.?\d*|\.\d+)({'|'.join(_NANOSECONDS)})", re.ASCII)
_DURATION: Final = re.compile(rf"([+-]?)((?:{_PART.pattern})+)", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)
_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_GO_LIMIT: Final = 2**63  # Go counts nanoseconds in 64 bits: about 292 years
_INT32: Final = range(-(2**31), 2**31)


def parse_go_duration(text: str) -> timedelta:
    """Duration in Go's syntax, cut to whole microseconds; raises ValueError when *text* has another form."""
    if text in {"0", "+0", "-0"}:
        return timedelta()
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a duration: write numbers with units (ns, us, ms, s, m, h), such as 1h30m')
    nanoseconds = sum(int(Decimal(number) * _NANOSECONDS[unit]) for number, unit in _PART.findall(match[2]))
    if nanoseconds >= _GO_LIMIT:
        raise ValueError(f'"{text}" is too long: durations end at 292 years')
    return timedelta(microseconds=nanoseconds // 1_000) * (-1 if match[1] == "-" else 1)


def parse_pause_duration(value: int | str) -> timedelta:
    """How long a pause step lasts: an int or a digit string counts seconds, anything else is a Go duration.

    Argo Rollouts behaviour: a fraction of a second is cut off, a negative value parses (validation refuses it), and
    numbers beyond 32 bits do not parse. Raises ValueError.
    """
    if isinstance(value, int):
        return timedelta(seconds=_bounded(value, value))
    if _WHOLE.fullmatch(value) and int(value) in _INT32:
        return timedelta(seconds=int(value))
    return timedelta(seconds=_bounded(int(parse_go_duration(value) / timedelta(seconds=1)), f'"{value}"'))


def format_go_duration(value: timedelta) -> str:
    """*value* as Go prints it: `1h30m0s`, `1.5s`, `500ms`, `0s`."""
    if not value:
        return "0s"
    sign, size = ("-", -value) if value < timedelta() else ("", value)
    return sign + (_below_a_second(size) if size < timedelta(seconds=1) else _clock(size))


def rfc3339(moment: datetime) -> str:
    """*moment* in UTC with whole seconds and `Z`, the form of Kubernetes' times; raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def parse_rfc3339(text: str) -> datetime:
    """The moment in UTC, fractions of a second cut to microseconds; raises ValueError for any other form."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f'"{text}" is not a time such as 2026-01-31T08:00:00Z')
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _bounded(seconds: int, shown: object) -> int:
    if seconds not in _INT32:
        raise ValueError(f"{shown} is too long: a pause ends at 68 years")
    return seconds


def _below_a_second(size: timedelta) -> str:
    if size >= timedelta(milliseconds=1):
        return f"{_trimmed(size / timedelta(milliseconds=1))}ms"
    return f"{size.microseconds}µs"


def _clock(size: timedelta) -> str:
    minutes, rest = divmod(size, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest.microseconds:06}".rstrip("0").rstrip(".")
    seconds = f"{rest.seconds}{fraction}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _trimmed(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
