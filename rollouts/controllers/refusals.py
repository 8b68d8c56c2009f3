"""Kinds that our account may not see, as after an upgrade that came before its roles: said, with what helps."""

from collections.abc import Mapping
from typing import Final

from rollouts.api.meta import Kind

REMEDY: Final = "its account's role must allow get, list and watch: apply the ClusterRole of this release"


def complaint(refused: Mapping[Kind, str]) -> str:
    """What *refused*, the verb of each kind, means for whoever runs the controller; "" where nothing is refused."""
    if not refused:
        return ""
    said = " and ".join(f"{verb} {_resource(kind)}" for kind, verb in sorted(refused.items()))
    return f"the controller may not {said}; {REMEDY}"


def _resource(kind: Kind) -> str:
    """As roles and kubectl call it: `podtemplates`, `statefulsets.apps`."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural
