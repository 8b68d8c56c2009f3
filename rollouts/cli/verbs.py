"""What an operator's verb writes: merge patches, exactly those of Argo Rollouts' clients.

A patch of the status goes to the status subresource; where the API server serves none for Rollouts (installations of
Argo Rollouts before 0.10), it goes to the Rollout itself.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import typer

from rollouts.api import reasons
from rollouts.api.kinds import ROLLOUT
from rollouts.api.meta import Json, Key
from rollouts.api.rollout import Rollout
from rollouts.cli.connection import FIELD_MANAGER, absent, run
from rollouts.cli.options import Form, Where
from rollouts.cli.output import print_value
from rollouts.cli.views.progress import canary_of, is_promoted, steps_of
from rollouts.kube.client import Client
from rollouts.kube.errors import NotFound
from rollouts.wire.decode import decode


class Order(NamedTuple):
    """What is written for a verb: *status* first, to the subresource, then *spec*. None: not written."""

    status: Json | None = None
    spec: Json | None = None


class Effect(NamedTuple):
    """What became of an order: a word for the sentence, and a remark when nothing will come of it."""

    done: str
    remark: str = ""


ABORT: Final = Order(status={"abort": True})
RETRY: Final = Order(status={"abort": False})
PAUSE: Final = Order(spec={"paused": True})
UNPAUSE: Final = {"paused": False}


def promotion(rollout: Rollout) -> Order:
    """What `promote` writes: it ends a pause, else it skips the current step; never both."""
    status = rollout.status
    spec = UNPAUSE if rollout.spec.get("paused") else None
    steps = steps_of(rollout.spec)
    skipped = {"currentStepIndex": min((status.current_step_index or 0) + 1, len(steps))} if steps else {}
    if status.pause_conditions:
        if is_inconclusive(rollout) and status.controller_pause and skipped:
            return Order({"pauseConditions": None, "controllerPause": False, **skipped}, spec)
        return Order({"pauseConditions": None}, spec)
    if canary_of(rollout.spec) is None or not skipped:
        return Order(None, spec)
    return Order({"pauseConditions": None, **skipped}, spec)


def full_promotion(rollout: Rollout) -> Order:
    """What `promote --full` writes: all steps, pauses and analyses are skipped."""
    spec = UNPAUSE if rollout.spec.get("paused") else None
    return Order(None if is_promoted(rollout.status) else {"promoteFull": True}, spec)


def is_inconclusive(rollout: Rollout) -> bool:
    """The current step's analysis could not tell."""
    run = rollout.status.canary.current_step_analysis_run_status
    return run is not None and run.status == "Inconclusive"


async def write(client: Client, key: Key, order: Order) -> Rollout:
    """Write *order*; returns the Rollout as the last write left it. Raises Failure where there is no such Rollout."""
    try:
        return decode(Rollout, await _write(client, key, order))
    except NotFound:
        raise await absent(client, key) from None


async def read(client: Client, key: Key) -> Rollout:
    """The Rollout as it is. Raises Failure where there is none."""
    try:
        return decode(Rollout, await client.get(ROLLOUT, key))
    except NotFound:
        raise await absent(client, key) from None


async def _write(client: Client, key: Key, order: Order) -> bytes:
    spec: Json = {} if order.spec is None else {"spec": order.spec}
    if order.status is None:
        return await client.patch(ROLLOUT, key, spec, field_manager=FIELD_MANAGER)
    status: Json = {"status": order.status}
    try:
        answer = await client.patch(ROLLOUT, key, status, subresource="status", field_manager=FIELD_MANAGER)
    except NotFound:
        return await client.patch(ROLLOUT, key, {**spec, **status}, field_manager=FIELD_MANAGER)
    return await client.patch(ROLLOUT, key, spec, field_manager=FIELD_MANAGER) if spec else answer


def order(names: Sequence[str], what: Order, effect: Callable[[Rollout], Effect], *, where: Where, form: Form) -> None:
    """Write the same for each of *names* and say what was done; ends at the first that fails."""

    async def command(client: Client, namespace: str) -> None:
        for name in names:
            key = Key(namespace, name)
            tell(key, effect(await write(client, key, what)), form)

    run(command, where)


def tell(key: Key, effect: Effect, form: Form) -> None:
    """Say what was done in one sentence; a remark goes to standard error."""
    if form is not Form.TEXT:
        value = {"namespace": key.namespace, "name": key.name, "done": effect.done, "remark": effect.remark}
        print_value(value, form, compact=True)
        return
    typer.echo(f"rollout '{key.name}' {effect.done}")
    if effect.remark:
        typer.echo(f"note: {effect.remark}", err=True)


def nothing_in_flight(rollout: Rollout) -> str:
    """A remark for verbs that mean nothing between releases."""
    if is_promoted(rollout.status):
        return "no release is under way: every pod is of the stable revision"
    return ""


def is_aborted(rollout: Rollout) -> bool:
    """The release was taken back, by a person or by an analysis."""
    return any(c.reason == reasons.ROLLOUT_ABORTED for c in rollout.status.conditions)
