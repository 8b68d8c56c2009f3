"""Flags as Go programs take them: `--flag=false`, and names of Argo Rollouts that mean nothing here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import typer
from typer.core import TyperCommand

_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class GoCommand(TyperCommand):
    """A command that takes switches with a value, and passes over flags without effect (name → has a value)."""

    without_effect: Mapping[str, bool] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse *args* once they are spelt as Typer wants them."""
        switches = {name for param in self.params for name in param.opts if getattr(param, "is_flag", False)}
        effective, passed_over = split(args, self.without_effect)
        for flag in passed_over:
            typer.echo(f"{flag} has no effect in this controller", err=True)
        return list(super().parse_args(ctx, list(respelt(effective, switches))))


def split(args: Iterable[str], without_effect: Mapping[str, bool]) -> tuple[list[str], list[str]]:
    """*args* without the flags of *without_effect*, and the names of those that were there."""
    effective: list[str] = []
    passed_over: list[str] = []
    rest = iter(args)
    for arg in rest:
        name, equals, _ = arg.partition("=")
        if name not in without_effect:
            effective.append(arg)
            continue
        passed_over.append(name)
        if without_effect[name] and not equals:
            next(rest, None)
    return effective, passed_over


def respelt(args: Iterable[str], switches: set[str]) -> Iterator[str]:
    """`--flag=true` → `--flag`, `--flag=false` → `--no-flag`."""
    for arg in args:
        name, equals, value = arg.partition("=")
        if name not in switches or not equals or value not in _TRUE | _FALSE:
            yield arg
        elif value in _TRUE:
            yield name
        else:
            yield f"--no-{name.removeprefix('--')}"
