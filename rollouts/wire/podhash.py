"""The names of revisions: hashes over Go's JSON of a pod template or of the canary steps.

Argo Rollouts behaviour (utils/hash): FNV-1a of 32 bits over the JSON of the typed object, its decimal digits put into
letters that spell no words. Whoever computes other bytes gives every ReplicaSet another name.

Not here: the hash in the style of Kubernetes' Deployment controller, which Argo also looks for. It is taken over a dump
of Go's memory layout, so it differs between releases of the Kubernetes libraries; ReplicaSets of that age are found by
comparing templates.
"""

from collections.abc import Sequence
from typing import Any, Final

from rollouts.wire import gotypes
from rollouts.wire.gojson import Json
from rollouts.wire.podtypes import POD_TYPES
from rollouts.wire.steptypes import STEP_TYPES

_OFFSET: Final = 0x811C9DC5
_PRIME: Final = 0x01000193
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_LETTER: Final = {digit: _ALPHABET[ord(digit) % len(_ALPHABET)] for digit in "0123456789"}

# The one default that is in every stored Rollout: Argo's CRD puts it there.
_PORTS_ARE_TCP: Final = gotypes.Dialect(defaults={"ContainerPort": {"protocol": "TCP"}})
_TIME_OF_OLD: Final = "creationTimestamp!?time"

_template_json: Final = gotypes.compile_writer(gotypes.parse(POD_TYPES), "PodTemplateSpec", _PORTS_ARE_TCP)
_legacy_template_json: Final = gotypes.compile_writer(
    gotypes.parse(POD_TYPES.replace("creationTimestamp?time", _TIME_OF_OLD)), "PodTemplateSpec", _PORTS_ARE_TCP
)
_steps_json: Final = gotypes.compile_list_writer(gotypes.parse(STEP_TYPES), "CanaryStep")


def pod_template_hash(template: Json, collision_count: int | None = None) -> str:
    """Hash of a pod template; *collision_count* is the Rollout's, None when its status has none.

    Raises gotypes.MisfitError, a ValueError, when the template has a value of the wrong type.
    """
    return _hashed(_template_json(template).encode() + _salt(collision_count))


def legacy_pod_template_hash(template: Json, collision_count: int | None = None) -> str:
    """The hash that Argo Rollouts up to 1.8 computed, with `creationTimestamp: null` in the metadata."""
    return _hashed(_legacy_template_json(template).encode() + _salt(collision_count))


def step_hash(steps: Sequence[Any] | None) -> str:
    """Hash of a canary's steps; without steps the same as for None. Blue-green has no step hash: the caller's "".

    Raises gotypes.MisfitError, a ValueError, when a step has a value of the wrong type.
    """
    return _hashed((_steps_json(steps) if steps else "null").encode())


def _salt(collision_count: int | None) -> bytes:
    return b"" if collision_count is None else (collision_count % 2**32).to_bytes(4, "little") + bytes(4)


def _hashed(text: bytes) -> str:
    total = _OFFSET
    for byte in text:
        total = ((total ^ byte) * _PRIME) & 0xFFFFFFFF
    return "".join([_LETTER[digit] for digit in str(total)])
