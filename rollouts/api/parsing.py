"""From JSON to what people meant, or to a list of what is wrong, by field path and with a remedy."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rollouts.api.model import Model, Problem
from rollouts.wire.decode import without_nulls

Written = TypeVar("Written", bound=Model)

# pydantic's kinds of error in the words of Kubernetes' field errors.
REMEDIES: Final[Mapping[str, str]] = {
    "bool_type": "must be true or false",
    "date_type": "must be a time such as 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "must be a time such as 2026-01-31T12:00:00Z",
    "datetime_parsing": "must be a time such as 2026-01-31T12:00:00Z",
    "datetime_type": "must be a time such as 2026-01-31T12:00:00Z",
    "dict_type": "must be an object",
    "greater_than_equal": "should be a non-negative integer",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "model_type": "must be an object",
    "string_type": "must be a string",
    "tuple_type": "must be a list",
}
UNION_TAGS: Final = frozenset({"int", "str", "constrained-int", "constrained-str"})


def parsed(model: type[Written], raw: Any, path: str) -> Written | tuple[Problem, ...]:
    """*raw* as a *model*, or every problem in it; paths begin with *path*. null counts as absent, as in the API."""
    try:
        return model.model_validate_json(msgspec.json.encode(without_nulls(raw)), strict=True)
    except ValidationError as error:
        return _problems(error, path)


def _problems(error: ValidationError, path: str) -> tuple[Problem, ...]:
    found = [_problem(details, path) for details in error.errors(include_url=False, include_context=False)]
    return tuple({problem.path: problem for problem in reversed(found)}.values())[::-1]


def _problem(details: ErrorDetails, path: str) -> Problem:
    *above, last = details["loc"] or ("",)
    union = last in UNION_TAGS
    where = path + "".join(_segment(part) for part in ((*above,) if union else (*above, last)) if part != "")
    if details["type"] == "missing":
        return Problem(where, None, "must be set", "Required value")
    detail = "must be a whole number or a string" if union else REMEDIES.get(details["type"], details["msg"])
    return Problem(where, details["input"], detail)


def _segment(part: int | str) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"
