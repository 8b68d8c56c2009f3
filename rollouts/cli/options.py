"""Arguments that commands share: how they are spelt and what their help says."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from rollouts.wire.durations import parse_go_duration

# What stands before a name in the commands of Argo Rollouts' plugin: `get rollout web`.
NOUNS = frozenset({"rollout", "rollouts", "ro"})


class Form(StrEnum):
    """How something is printed."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def _form(text: str) -> Form:
    try:
        return Form(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(Form)}") from None


def _duration(text: Any) -> timedelta:
    if isinstance(text, timedelta):
        return text
    try:
        return parse_go_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Names = Annotated[list[str], typer.Argument(metavar="ROLLOUT", help="Its name; `rollout NAME` is taken too.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Its namespace; else that of the context.")]
Kubeconfig = Annotated[str | None, typer.Option("--kubeconfig", help="File; else $KUBECONFIG, ~/.kube/config.")]
Context = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig.")]
Output = Annotated[Form, typer.Option("--output", "-o", parser=_form, metavar="FORM", help="text, json or yaml.")]


def duration(name: str, text: str, shown: str) -> Any:
    """An option that takes a Go duration; *shown* is its default in the help."""
    return typer.Option(name, parser=_duration, metavar="DURATION", help=text, show_default=shown)


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster and namespace; "" and None for what the kubeconfig says."""

    namespace: str = ""
    kubeconfig: str | None = None
    context: str | None = None


Asked = TypeVar("Asked")


def spread(form: type[Asked]) -> Callable[[Callable[[Asked], None]], Callable[..., None]]:
    """Make a command of a function of one value: its options are the fields of dataclass *form*."""

    def decorated(command: Callable[[Asked], None]) -> Callable[..., None]:
        def called(**options: Any) -> None:
            command(form(**options))

        # What Typer reads of a command.
        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__annotations__ = dict(form.__annotations__)
        vars(called)["__signature__"] = inspect.signature(form)
        return called

    return decorated


def names_of(words: list[str]) -> list[str]:
    """The names among *words*: a noun before them is dropped."""
    return words[1:] if len(words) > 1 and words[0] in NOUNS else words


def only_name(words: list[str]) -> str:
    """The one name among *words*; raises a usage error where there are several."""
    name, *more = names_of(words)
    if more:
        raise typer.BadParameter(f"takes one Rollout, not {1 + len(more)}: {', '.join([name, *more])}")
    return name
