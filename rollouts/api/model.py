"""The base of everything people write: frozen, camelCase on the wire, unknown fields ignored (the API prunes them)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

# Of a value, a path and a detail in a problem's text. A status has room for 1.5 MB, and people for less.
LONGEST_SHOWN: Final = 1_000


class Model(BaseModel):
    """A frozen model whose wire names are camelCase; set `alias` where the wire differs (`stableRS`, `dryRun` fits)."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


# Kubernetes' IntOrString: `5` or `"25%"`. Strict members, so that true, 1.5 and lists are refused.
IntOrString = Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True)]

# An open JSON object, stored as it was written (x-kubernetes-preserve-unknown-fields in the CRD).
OpenObject = Mapping[str, Any]


class SpecError(Exception):
    """A specification that cannot be carried out: becomes condition InvalidSpec, never a crash.

    *path* is the field's path on the wire, *value* what stands there (None: not shown), *detail* what would be right.
    The text has the shape of Kubernetes' field errors, which clients read (contract of Argo Rollouts).
    """

    def __init__(self, path: str, value: object, detail: str, *, cause: str = "Invalid value") -> None:
        super().__init__(path, value, detail, cause)
        self.problem = Problem(path, value, detail, cause)

    def __str__(self) -> str:
        return str(self.problem)


class Problem(NamedTuple):
    """What is wrong with one field of a specification."""

    path: str
    value: object
    detail: str
    cause: str = "Invalid value"

    @property
    def is_missing(self) -> bool:
        """The field is right, but the object it names does not exist."""
        return self.detail.endswith(" not found")

    def __str__(self) -> str:
        shown = f'"{cut(self.value)}"' if isinstance(self.value, str) else cut(str(self.value))
        shown = shown.lower() if isinstance(self.value, bool) else shown
        value = f": {shown}" if self.value is not None else ""
        return f"{cut(self.path)}: {self.cause}{value}: {cut(self.detail)}"


def cut(text: str) -> str:
    """What is longer than anybody reads, and perhaps than a status may be, loses its middle."""
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[: LONGEST_SHOWN // 2]}… ({len(text)} characters) …{text[-LONGEST_SHOWN // 2 :]}"
