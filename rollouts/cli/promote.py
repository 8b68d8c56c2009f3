"""`rollouts promote`: go on, by a step or to the end."""

from typing import Annotated

import typer

from rollouts.api.meta import Key
from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.connection import run
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, only_name
from rollouts.cli.verbs import Effect, Order
from rollouts.cli.views.progress import is_promoted, steps_of
from rollouts.cli.views.words import step_words
from rollouts.kube.client import Client


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("promote", cls=GoCommand)
    def promote(
        names: Names,
        *,
        full: Annotated[bool, typer.Option("--full/--no-full", help="Skip all steps, pauses and analyses.")] = False,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """End a release's pause, or skip the step it is at; with --full skip all that is left.

        Exit code 0, also where there is nothing to promote; 1 where there is no such Rollout or the API server refuses.
        """
        name = only_name(names)

        async def command(client: Client, found: str) -> None:
            key = Key(found, name)
            verbs.tell(key, await carry_out(client, key, full=full), output)

        run(command, Where(namespace, kubeconfig, context))


async def carry_out(client: Client, key: Key, *, full: bool) -> Effect:
    """Read the Rollout, write what follows from it, and say what that was."""
    rollout = await verbs.read(client, key)
    order = verbs.full_promotion(rollout) if full else verbs.promotion(rollout)
    if order != Order():
        await verbs.write(client, key, order)
    return _effect(rollout, order, full=full)


def _effect(rollout: Rollout, order: Order, *, full: bool) -> Effect:
    if order == Order():
        return Effect("has nothing to promote", verbs.nothing_in_flight(rollout))
    if is_promoted(rollout.status):
        return Effect("promoted", verbs.nothing_in_flight(rollout) if order.spec is None else "")
    return Effect("fully promoted") if full else Effect("promoted", _skipped(rollout, order))


def _skipped(rollout: Rollout, order: Order) -> str:
    """Which step was skipped, since nobody may have meant to."""
    index, steps = rollout.status.current_step_index or 0, steps_of(rollout.spec)
    if "currentStepIndex" not in (order.status or {}) or index >= len(steps):
        return ""
    return f"it was not paused: step {index + 1}/{len(steps)} ({step_words(steps[index])}) is skipped"
