"""Kubernetes' int-or-string (`2` or `"25%"`) in the two dialects of Argo Rollouts' maxSurge and maxUnavailable."""

import re
from typing import Final

_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)
_PERCENT: Final = re.compile(r"(\d+)%", re.ASCII)


def resolve(value: int | str, total: int, round_up: bool) -> int:
    """How many of *total* pods *value* stands for; raises ValueError when a string holds no whole number.

    Argo Rollouts behaviour: an int is absolute, every string is a percentage with or without `%` (`"1"` is 1 %).
    """
    if isinstance(value, int):
        return value
    digits = value.replace("%", "")
    if not _WHOLE.fullmatch(digits):
        raise ValueError(f'"{value}" is neither a whole number nor a percentage such as 25%')
    hundredths = int(digits) * total
    return -(-hundredths // 100) if round_up else hundredths // 100


def resolve_fenceposts(max_surge: int | str | None, max_unavailable: int | str | None, desired: int) -> tuple[int, int]:
    """Pods that may be above and below *desired*, as (surge, unavailable).

    Surge rounds up and unavailable down; were both 0 nothing could move, so unavailable becomes 1. The caller caps
    unavailable at *desired*. Raises ValueError like `resolve`.
    """
    surge = resolve(0 if max_surge is None else max_surge, desired, round_up=True)
    unavailable = resolve(0 if max_unavailable is None else max_unavailable, desired, round_up=False)
    return surge, unavailable if surge or unavailable else 1


def percent_or_int(value: int | str | None) -> int:
    """The bare number of *value*, as validation reads it: `"25%"` is 25, `"3"` is 3, what cannot be read is 0.

    Argo Rollouts behaviour: only the question "are both zero" is put to this number.
    """
    if value is None or isinstance(value, int):
        return value or 0
    percent = _PERCENT.fullmatch(value)
    if percent:
        return int(percent[1])
    return int(value) if _WHOLE.fullmatch(value) else 0
