"""A decision's facts as a file: a List of objects as the cluster had them, with what may be secret hidden.

Hidden values stay different where they were different, so that revisions remain apart; the file cannot be turned back.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import yaml

from rollouts.api import kinds
from rollouts.api.keys import LAST_APPLIED
from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Kind
from rollouts.cli.connection import Failure
from rollouts.cli.reading import DEFAULT_SETTLE, Moment, Objects, Settle, gathered
from rollouts.wire.durations import parse_rfc3339

TAKEN_AT: Final = "rollouts.argoproj.io/taken-at"
# Whom it is about, of several Rollouts.
ABOUT: Final = "rollouts.argoproj.io/about"
# Lists of {name or key, value} in which people put passwords and tokens: of containers, and of web metrics.
HIDING_PLACES: Final = frozenset({"env", "headers"})
KINDS: Final = {(kind.api_version, kind.name): kind for kind in vars(kinds).values() if isinstance(kind, Kind)}


def dump(moment: Moment) -> str:
    """The file for *moment*."""
    salt = secrets.token_bytes(16)
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"annotations": {TAKEN_AT: moment.at.isoformat(), ABOUT: str(moment.snapshot.key)}},
        "items": [_hidden(item, salt) for item in moment.objects],
    }
    return yaml.safe_dump(listed, sort_keys=False, allow_unicode=True)


def load(text: str, settle: Settle = DEFAULT_SETTLE) -> Moment:
    """The moment that *text* holds. Raises Failure where it is no such file."""
    try:
        listed = yaml.safe_load(text)
        objects, at = Objects(), _taken_at(listed)
        for item in listed["items"]:
            objects.add(KINDS[item["apiVersion"], item["kind"]], [item])
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Failure(f"not a file that `rollouts snapshot` wrote: {type(error).__name__} {error}") from None
    about = listed["metadata"]["annotations"].get(ABOUT)
    rollouts = [key for key in objects.found.get(ROLLOUT, {}) if about is None or str(key) == about]
    if len(rollouts) != 1:
        raise Failure(f"the file holds {len(rollouts)} Rollouts, not one")
    return Moment(gathered(rollouts[0], objects, settle)[0], at, tuple(objects.all()))


def _taken_at(listed: Any) -> datetime:
    return parse_rfc3339(listed["metadata"]["annotations"][TAKEN_AT])


def _hidden(value: Any, salt: bytes) -> Any:
    """*value* without kubectl's copy of it, and with values in hiding places replaced."""
    if isinstance(value, Mapping):
        return {key: _hidden_member(key, member, salt) for key, member in value.items() if key != LAST_APPLIED}
    return [_hidden(item, salt) for item in value] if isinstance(value, list) else value


def _hidden_member(name: str, member: Any, salt: bytes) -> Any:
    if name in HIDING_PLACES and isinstance(member, list):
        return [_masked(item, salt) for item in member]
    return _hidden(member, salt)


def _masked(item: Any, salt: bytes) -> Any:
    if not isinstance(item, Mapping) or not isinstance(item.get("value"), str):
        return _hidden(item, salt)
    digest = hmac.new(salt, item["value"].encode(), hashlib.sha256).hexdigest()[:12]
    return {**item, "value": f"hidden-{digest}"}
