"""`rollouts restart`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from rollouts.api.rollout import Rollout
from rollouts.cli import verbs
from rollouts.cli.goflags import GoCommand
from rollouts.cli.options import Context, Form, Kubeconfig, Names, Namespace, Output, Where, duration, names_of
from rollouts.runtime.clock import SystemClock
from rollouts.wire.durations import format_go_duration, rfc3339

NOW = timedelta()


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("restart", cls=GoCommand)
    def restart(
        names: Names,
        *,
        later: Annotated[timedelta, duration("--in", "Begin after this time.", "0s")] = NOW,
        namespace: Namespace = "",
        output: Output = Form.TEXT,
        kubeconfig: Kubeconfig = None,
        context: Context = None,
    ) -> None:
        """Replace every pod by a new one of the same revision, a few at a time.

        Exit code 0; 1 where there is no such Rollout or the API server refuses.
        """
        at = SystemClock().now().astimezone(UTC) + later
        where = Where(namespace, kubeconfig, context)
        verbs.order(names_of(names), order_at(at), lambda rollout: _effect(rollout, later), where=where, form=output)


def order_at(at: datetime) -> verbs.Order:
    """Restart what began before *at*."""
    return verbs.Order(spec={"restartAt": rfc3339(at)})


def _effect(rollout: Rollout, later: timedelta) -> verbs.Effect:
    _ = rollout
    return verbs.Effect(f"restarts in {format_go_duration(later)}")
