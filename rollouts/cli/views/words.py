"""Small texts: ages, countdowns, steps."""

from datetime import datetime, timedelta
from typing import Any, Final

from rollouts.api.meta import Json

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `12s`, `4m12s`, `3h5m`, `2d`; never negative."""
    seconds = max(0, int(length.total_seconds()))
    if seconds == 0:
        return "0s"
    first = next(index for index, (_, size) in enumerate(_UNITS) if seconds >= size)
    parts = []
    for unit, size in _UNITS[first : first + 2]:
        count, seconds = divmod(seconds, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)


def age(created_at: datetime | None, now: datetime) -> str:
    """How long ago; "" for what has no beginning."""
    return span(now - created_at) if created_at else ""


def step_words(step: Json) -> str:
    """One step in a few words: `setWeight: 20`, `pause: 30s`, `pause until promoted`, `analysis: success-rate`."""
    kinds = [kind for kind, value in step.items() if value is not None]
    deciding = next((kind for kind in kinds if kind != "setCanaryScale"), kinds[0] if kinds else "")
    return _WORDS[deciding](step[deciding]) if deciding in _WORDS else deciding or "nothing"


def pause_length(step: Json) -> int | str | None:
    """How long a pause step lasts, as written; None for other steps and for pauses that a person ends."""
    pause = step.get("pause")
    found = pause.get("duration") if pause else None
    return found if isinstance(found, int | str) else None


def _pause(pause: Json) -> str:
    duration = pause.get("duration")
    if duration is None:
        return "pause until promoted"
    return f"pause: {duration}s" if isinstance(duration, int) or duration.isdigit() else f"pause: {duration}"


def _analysis(analysis: Json) -> str:
    names = [str(template.get("templateName", "")) for template in analysis.get("templates") or ()]
    return f"analysis: {', '.join(names)}"


def _experiment(experiment: Json) -> str:
    return f"experiment: {', '.join(str(one.get('name', '')) for one in experiment.get('templates') or ())}"


def _scale(scale: Json) -> str:
    if scale.get("replicas") is not None:
        return f"setCanaryScale: {scale['replicas']} pods"
    return f"setCanaryScale: {scale['weight']}%" if scale.get("weight") is not None else "setCanaryScale: as traffic"


def _named(kind: str) -> Any:
    return lambda part: f"{kind}: {part.get('name', '')}"


_WORDS: Final[dict[str, Any]] = {
    "setWeight": lambda weight: f"setWeight: {weight}",
    "pause": _pause,
    "analysis": _analysis,
    "experiment": _experiment,
    "setCanaryScale": _scale,
    **{kind: _named(kind) for kind in ("setHeaderRoute", "setMirrorRoute", "plugin")},
}
