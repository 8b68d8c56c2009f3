"""What a function of the language is: what it takes, what comes out, and what it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from analysis.expr.errors import ExprError
from analysis.expr.types import ANY, NUMBERS, Base, Type
from analysis.expr.values import Budget


class Setting(NamedTuple):
    """What a function may need besides its arguments: the steps left, and the time."""

    budget: Budget
    now: datetime


@dataclass(frozen=True)
class Builtin:
    """One function. *accepts* gives for each argument the bases that fit (None: all); the last one also for more.

    *refusal* words the error for an argument that does not fit, with `{name}` and `{type}`.
    """

    run: Callable[..., Any]
    accepts: tuple[frozenset[Base] | None, ...] = (None,)
    returns: Callable[[Sequence[Type]], Type] = lambda _: ANY
    fewest: int = 1
    most: int | None = 1
    refusal: str = "invalid argument for {name} (type {type})"

    def check_count(self, name: str, count: int) -> None:
        """Raises ExprError unless *count* arguments fit."""
        if count < self.fewest:
            raise ExprError(f"not enough arguments to call {name}")
        if self.most is not None and count > self.most:
            raise ExprError(f"too many arguments to call {name}")

    def check_argument(self, name: str, at: int, found: Type) -> None:
        """Raises ExprError unless a value of the type *found* may be the argument at *at*."""
        bases = self.accepts[min(at, len(self.accepts) - 1)]
        if bases is not None and found.base is not Base.ANY and found.base not in bases:
            refusal = PREDICATE_REFUSAL if bases == PREDICATE else self.refusal
            raise ExprError(refusal.format(name=name, type=found))


LISTS: Final = frozenset({Base.LIST})
STRINGS: Final = frozenset({Base.STRING})
NUMERIC: Final = frozenset(NUMBERS)
INTS: Final = frozenset({Base.INT})
PREDICATE: Final = frozenset({Base.BOOL})
PREDICATE_REFUSAL: Final = "predicate should return boolean (got {type})"


def always(found: Type) -> Callable[[Sequence[Type]], Type]:
    """A return type that does not depend on the arguments."""
    return lambda _: found
