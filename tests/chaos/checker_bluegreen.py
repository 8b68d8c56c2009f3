"""What no blue-green run may do, whatever befalls it. Pure.

- *early*: the active Service is led to a revision that has not all of its pods available.
- *hasty*: `autoPromotionSeconds` have not passed when it is.
- *dropped*: a revision loses pods before `scaleDownDelaySeconds` have passed since users were led away from it
  (`abortScaleDownDelaySeconds`, where that is less: who looks at rows does not tell why they were led away).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rollouts.api.keys import HASH_LABEL

Json = Mapping[str, Any]
# seconds: both defaults of the API, and how far what two watches tell may be apart
DELAY, APART = 30.0, 1.0


def shortcuts(rows: Sequence[Any], begun: int) -> Iterator[str]:
    """What was done too soon after version *begun*; the first of each kind. *rows* are a checker's `Row`s."""
    told: set[str] = set()
    seen = _Seen()
    for row in rows:
        for kind, sentence in seen.taken(row):
            if row.version > begun and kind not in told:
                told.add(kind)
                yield sentence


class _Seen:
    """Rows of one Rollout, taken in one after the other."""

    def __init__(self) -> None:
        self._rollout: Json = {}
        self._sets: dict[str, Json] = {}
        self._active = ""
        self._left: dict[str, float] = {}
        self._paused: datetime | None = None

    def taken(self, row: Any) -> Iterator[tuple[str, str]]:
        """What is too soon in this row, by kind."""
        if row.change == "DELETED":
            self._sets.pop(row.name, None)
        elif row.kind == "Rollout" and _settings(row.body):
            self._rollout = row.body
            self._note_pause()
        elif row.kind == "ReplicaSet":
            yield from self._scaled(row)
        elif row.kind == "Service" and row.name == _settings(self._rollout).get("activeService"):
            yield from self._led(row)

    def _note_pause(self) -> None:
        """Status is written after what it tells of: a pause that ended with the switch is still known there."""
        paused = self._rollout.get("status", {}).get("pauseConditions")
        if paused:
            self._paused = datetime.fromisoformat(paused[0]["startTime"])

    def _led(self, row: Any) -> Iterator[tuple[str, str]]:
        to = row.body["spec"].get("selector", {}).get(HASH_LABEL, "")
        if to == self._active:
            return
        found = next((one for one in self._sets.values() if _revision(one) == to), {})
        has, wants = found.get("status", {}).get("availableReplicas", 0), found.get("spec", {}).get("replicas", 0)
        if has < wants or not found:
            yield "early", f"{row.name} was led to {to} when {has} of its {wants} pods were available"
        yield from self._hasty(row, to)
        if self._active:
            self._left[self._active] = row.at
        self._left.pop(to, None)
        self._active = to

    def _hasty(self, row: Any, to: str) -> Iterator[tuple[str, str]]:
        seconds = _settings(self._rollout).get("autoPromotionSeconds", 0)
        is_back = to == self._rollout.get("status", {}).get("stableRS")
        if not seconds or is_back:
            return
        waited = row.at - self._paused.timestamp() if self._paused else 0.0
        if waited < seconds:
            yield "hasty", f"{row.name} was led to {to} after {waited:.1f} s, not {seconds}"

    def _scaled(self, row: Any) -> Iterator[tuple[str, str]]:
        before = self._sets.get(row.name, row.body)["spec"].get("replicas", 0)
        self._sets[row.name] = row.body
        since = self._left.get(_revision(row.body))
        if since is None or row.body["spec"].get("replicas", 0) >= before:
            return
        settings = _settings(self._rollout)
        delay = min(settings.get(name, DELAY) for name in ("scaleDownDelaySeconds", "abortScaleDownDelaySeconds"))
        if row.at - since < delay - APART:
            yield "dropped", f"{row.name} lost pods {row.at - since:.1f} s after users were led away, not {delay:g}"


def _settings(rollout: Json) -> Json:
    found: Json = rollout.get("spec", {}).get("strategy", {}).get("blueGreen") or {}
    return found


def _revision(replica_set: Json) -> str:
    return str(replica_set["metadata"].get("labels", {}).get(HASH_LABEL, ""))
