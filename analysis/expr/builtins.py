"""Every function of the language by its name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from analysis.expr.functions import Builtin
from analysis.expr.numbers import NUMBER_FUNCTIONS
from analysis.expr.sequences import SEQUENCE_FUNCTIONS
from analysis.expr.texts import TEXT_FUNCTIONS

BUILTINS: Final[Mapping[str, Builtin]] = MappingProxyType({**NUMBER_FUNCTIONS, **SEQUENCE_FUNCTIONS, **TEXT_FUNCTIONS})
