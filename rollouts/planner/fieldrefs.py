"""Values for the arguments of an analysis: written down, a revision's hash, or a field of the Rollout."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from analysis.gofloat import plain
from rollouts.api.meta import Json, Metadata
from rollouts.api.model import SpecError
from rollouts.api.rollout import Rollout, RolloutAnalysis, status_dict
from rollouts.api.steps import RolloutArgument

_METADATA: Final = re.compile(
    r"metadata\.(?:(?P<plain>name|namespace|uid)|(?P<map>labels|annotations)\['(?P<key>.+)'\])"
)
_SEGMENT: Final = re.compile(r"(?P<name>[^\[\]]*)(?P<indexes>(?:\[\d+\])*)")
_INDEX: Final = re.compile(r"\[(\d+)\]")
METADATA_FORMS: Final = (
    "metadata.name, metadata.namespace, metadata.uid, metadata.labels['k'], metadata.annotations['k']"
)


class Hashes(NamedTuple):
    """Hash labels of the revisions that arguments can refer to; *stable* is "" before the first promotion."""

    latest: str
    stable: str


class Fields(NamedTuple):
    """A Rollout as arguments see it, with the template in force."""

    rollout: Rollout
    template: Json

    @property
    def document(self) -> dict[str, Any]:
        """Spec and status as JSON."""
        spec = {**self.rollout.spec, "template": self.template}
        return {"spec": spec, "status": status_dict(self.rollout.status)}


def argument_values(analysis: RolloutAnalysis, hashes: Hashes, fields: Fields, path: str) -> dict[str, str]:
    """What the Rollout gives to the analysis at *path*, by argument. Raises SpecError for a field that is not there."""
    return {arg.name: _value(arg, hashes, fields, f"{path}.args[{index}]") for index, arg in enumerate(analysis.args)}


def _value(arg: RolloutArgument, hashes: Hashes, fields: Fields, path: str) -> str:
    if arg.value_from is None:
        return arg.value
    wanted, ref = arg.value_from.pod_template_hash_value, arg.value_from.field_ref
    if ref is not None:
        return _field(fields, ref.field_path, f"{path}.valueFrom.fieldRef.fieldPath")
    choices: Mapping[str | None, str] = {"Latest": hashes.latest, "Stable": hashes.stable}
    if wanted not in choices:
        raise SpecError(f"{path}.valueFrom.podTemplateHashValue", wanted, "must be Latest or Stable")
    return choices[wanted]


def _field(fields: Fields, wanted: str, path: str) -> str:
    if wanted.startswith("metadata"):
        return _metadata_field(fields.rollout.metadata, wanted, path)
    found = _descend(fields.document, wanted.split("."))
    if not isinstance(found, str | int | float):
        raise SpecError(path, wanted, "the Rollout has no string, number or boolean there")
    return _text(found)


def _metadata_field(metadata: Metadata, wanted: str, path: str) -> str:
    match = _METADATA.fullmatch(wanted)
    if match is None:
        raise SpecError(path, wanted, f"of metadata these can be read: {METADATA_FORMS}")
    if match["plain"]:
        return str(getattr(metadata, match["plain"]))
    return str(getattr(metadata, match["map"]).get(match["key"], ""))


def _descend(found: Any, segments: Sequence[str]) -> Any:
    """What stands at `a.b[0].c`; None when the path leads nowhere."""
    for step in (step for segment in segments for step in _steps(segment)):
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and step < len(found) else None
        else:
            found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _steps(segment: str) -> Sequence[str | int]:
    match = _SEGMENT.fullmatch(segment)
    if match is None:
        return [segment]
    return [match["name"], *(int(index) for index in _INDEX.findall(match["indexes"]))]


def _text(value: Any) -> str:
    # Argo Rollouts prints whole numbers from a million on as 1e+06: nobody means that.
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value) if isinstance(value, float) else str(value)
