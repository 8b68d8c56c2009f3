"""`{{args.NAME}}` in metrics: written down in templates and runs, filled in when a run is looked at."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from rollouts.api.analysis import Argument, Metric
from rollouts.wire.gojson import encode_string

_PLACE: Final = re.compile(r"\{\{(.*?)\}\}")


class ArgumentError(Exception):
    """An argument without a value, or a metric that is none once values are filled in."""


def plain_values(args: Sequence[Argument]) -> dict[str, str]:
    """Values that are known without reading a Secret. Raises ArgumentError for one that was never given."""
    for arg in args:
        if arg.value is None and arg.value_from is None:
            raise ArgumentError(f'argument "{arg.name}" was not supplied')
    return {arg.name: arg.value for arg in args if arg.value is not None}


def secret_args(args: Sequence[Argument]) -> tuple[Argument, ...]:
    """Arguments whose value is in a Secret."""
    return tuple(arg for arg in args if arg.value is None and arg.value_from and arg.value_from.secret_key_ref)


def fill_in(metric: Metric, values: Mapping[str, str], later: Collection[str] = ()) -> Metric:
    """*metric* with *values* in place; arguments named in *later* stay as they are. Raises ArgumentError."""
    text = metric.model_dump_json(by_alias=True, exclude_unset=True)
    if "{{" not in text:
        return metric
    try:
        return Metric.model_validate_json(_PLACE.sub(lambda place: _value(place, values, later), text))
    except ValidationError as error:
        # The input is left out: it may hold secrets.
        wrong = error.errors(include_input=False)[0]
        raise ArgumentError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None


def names_used(metric: Metric) -> frozenset[str]:
    """Names of arguments that *metric* refers to."""
    places = _PLACE.findall(metric.model_dump_json(by_alias=True, exclude_unset=True))
    return frozenset(place.strip().removeprefix("args.") for place in places)


def _value(place: re.Match[str], values: Mapping[str, str], later: Collection[str]) -> str:
    name = place[1].strip()
    argument = name.removeprefix("args.") if name.startswith("args.") else None
    if argument in later:
        return place[0]
    if argument is None or argument not in values:
        raise ArgumentError(f"failed to resolve {{{{{place[1]}}}}}")
    return encode_string(values[argument])[1:-1]
