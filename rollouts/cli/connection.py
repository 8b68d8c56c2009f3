"""Reaching the API server for a command, and what it says when that, or the command, fails."""

import asyncio
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Final, TypeVar

import typer

from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Key
from rollouts.cli.options import Where
from rollouts.kube.access import AccessError
from rollouts.kube.client import Client
from rollouts.kube.errors import ApiError, Forbidden, NotFound, Unauthorized, Unreachable
from rollouts.runtime.lifecycle import leaves
from rollouts.runtime.telemetry import configure_logs
from rollouts.settings import release

T = TypeVar("T")

FIELD_MANAGER: Final = "rollouts-cli"
INTERRUPTED: Final = 130


class Failure(Exception):  # noqa: N818 (the end of a command)
    """A command that cannot be carried out: one sentence on what is wrong, one on what would be right."""


Command = Callable[[Client, str], Awaitable[T]]


def run(command: Command[T], where: Where, *, failure: int = 1) -> T:
    """Carry out *command* with a client and its namespace; where it fails, say why and exit with *failure*."""
    try:
        return asyncio.run(_connected(command, where))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (Failure, ApiError, AccessError) as error:
        complain(error)
    except BaseExceptionGroup as group:
        complain(_only_expected(group))
    raise typer.Exit(failure)


def complain(error: BaseException) -> None:
    """Say on standard error what went wrong."""
    typer.echo(f"error: {_words(error)}", err=True)


async def _connected(command: Command[T], where: Where) -> T:
    configure_logs("error", "text")
    agent = f"{FIELD_MANAGER}/{release()}"
    async with Client.connect(kubeconfig=where.kubeconfig, context=where.context, user_agent=agent, qps=0) as client:
        return await command(client, where.namespace or client.default_namespace)


def _only_expected(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure in *group*, if there is nothing else in it; raises what nobody expected."""
    expected, others = group.split((Failure, ApiError, AccessError))
    if others is not None or expected is None:
        raise group
    return next(leaves(expected))


def _words(error: BaseException) -> str:
    match error:
        case Unreachable():
            return f"the API server does not answer: {error.message}; is it the right --kubeconfig and --context?"
        case Unauthorized():
            return f"the API server does not know these credentials: {error.message}; log in anew"
        case Forbidden():
            return f"your account may not do this: {error.message}"
        case ApiError():
            return f"the API server refused: {error}"
    return str(error)


async def absent(client: Client, key: Key) -> Failure:
    """The failure for a Rollout that is not there, with the names that may have been meant."""
    try:
        found = [item["metadata"]["name"] for item in await client.list(ROLLOUT, key.namespace)]
    except NotFound:
        return Failure("this cluster does not serve Rollouts: `rollouts crds apply` installs the kinds")
    except ApiError:
        found = []
    close = get_close_matches(key.name, found, n=3) or sorted(found)[:5]
    remedy = f"there are {', '.join(close)}" if close else "that namespace has none; -n names another"
    return Failure(f"there is no Rollout {key.name!r} in namespace {key.namespace!r}: {remedy}")
