"""The application of a pod as a program, for clusters with real containers: `python -m rollouts.sandbox.standalone`.

$VERSION is what its image's tag would be, and says how it misbehaves; $HOSTNAME is the pod's name.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Final

from rollouts.sandbox.app import Application
from rollouts.sandbox.behaviour import behaviour_in, seconds_in
from rollouts.sandbox.podspec import Identity

PORT: Final = 8080
_GENERATED_WORDS: Final = 3
_ANYWHERE: Final = "0.0.0.0"  # other pods ask


async def serve(environment: Mapping[str, str]) -> int:
    """Answer until SIGTERM, then for $DRAIN more (a second) while endpoints forget us; the exit code, 1 for a crash."""
    version = environment.get("VERSION", "latest")
    behaviour = behaviour_in(version)
    if behaviour.crashes:
        return 1
    application = Application(identity_in(environment), behaviour)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await application.start(environment.get("ADDRESS", _ANYWHERE), [int(environment.get("PORT", PORT))])
    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(event.wait(), name="an end") for event in (stop, application.crashed)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
    if application.crashed.is_set():
        return 1
    application.drain()
    await asyncio.sleep(seconds_in(environment.get("DRAIN", ""), 1.0))
    await application.stop()
    return 0


def identity_in(environment: Mapping[str, str]) -> Identity:
    """Who we are; the hash is in the name that a ReplicaSet gives a pod: `web-6f5d9c-x2x4z`."""
    pod = environment.get("HOSTNAME", "")
    words = pod.split("-")
    revision = words[-2] if len(words) >= _GENERATED_WORDS else ""
    return Identity(environment.get("VERSION", "latest"), pod, revision, environment.get("POD_NAMESPACE", ""))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(serve(os.environ)))
