"""A controller whose wall clock is wrong: `python -m tests.e2e.outages.shifted SECONDS FLAGS…`."""

import argparse
import os
import sys
from asyncio import Event
from datetime import timedelta

from rollouts.controllers.main import run
from rollouts.runtime import lifecycle
from rollouts.runtime.clock import SystemClock
from rollouts.runtime.telemetry import configure_logs
from rollouts.settings import Settings, own_namespace
from rollouts.wire.durations import parse_go_duration


def main() -> int:
    """Run until SIGTERM; flags are those of `rollouts controller` that tests use, others are ignored."""
    shift = timedelta(seconds=float(sys.argv[1]))
    parser = argparse.ArgumentParser()
    parser.add_argument("--instance-id", default="")
    for port in ("--metricsPort", "--healthzPort"):
        parser.add_argument(port, type=int, default=0)
    for duration in ("lease-duration", "renew-deadline", "retry-period"):
        parser.add_argument(f"--leader-election-{duration}", dest=duration, type=parse_go_duration)
    found = vars(parser.parse_known_args(sys.argv[2:])[0])
    settings = Settings(
        instance_id=found["instance_id"],
        own_namespace=own_namespace(os.environ.get("POD_NAMESPACE")),
        lease_duration=found["lease-duration"],
        renew_deadline=found["renew-deadline"],
        retry_period=found["retry-period"],
        bind_address="127.0.0.1",
        metrics_port=found["metricsPort"],
        health_port=found["healthzPort"],
        nginx_settle=timedelta(seconds=1),
    )
    configure_logs("debug", "json")

    async def serve(stop: Event) -> None:
        await run(settings, stop, SystemClock(shift))

    return lifecycle.run(serve)


if __name__ == "__main__":
    sys.exit(main())
