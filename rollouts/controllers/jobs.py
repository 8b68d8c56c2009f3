"""Jobs for analyses, as a provider asks for them."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from analysis.providers.base import JobsRefused
from rollouts.api.kinds import JOB, POD
from rollouts.api.meta import Json, Key
from rollouts.kube.client import Client
from rollouts.kube.errors import AlreadyExists, ApiError, NotFound

# The label that the Job controller gives a Job's pods.
JOB_LABEL: Final = "batch.kubernetes.io/job-name"

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class ClusterJobs:
    """Jobs through *client*; *namespace* as in `Jobs`."""

    client: Client
    namespace: str = ""

    async def create(self, namespace: str, body: Json) -> Json:
        """Create a Job, or give the one of that name."""
        name = body["metadata"]["name"]
        try:
            return _decoded(await self.client.create(JOB, namespace, body))
        except AlreadyExists:
            found = await self.get(namespace, name)
        except ApiError as error:
            raise JobsRefused(f"creating Job {name}: {error.message}") from None
        if found is None:
            raise JobsRefused(f'jobs.batch "{name}" was deleted while it was created')
        return found

    async def get(self, namespace: str, name: str) -> Json | None:
        """A Job."""
        try:
            return _decoded(await self.client.get(JOB, Key(namespace, name)))
        except NotFound:
            return None
        except ApiError as error:
            raise JobsRefused(f"reading Job {name}: {error.message}") from None

    async def delete(self, namespace: str, name: str) -> None:
        """Delete a Job, its pods first."""
        try:
            await self.client.delete(JOB, Key(namespace, name), propagation="Foreground")
        except NotFound:
            return
        except ApiError as error:
            raise JobsRefused(f"deleting Job {name}: {error.message}") from None

    async def pods(self, namespace: str, name: str) -> tuple[Json, ...]:
        """The pods of a Job."""
        return tuple(await _told(self.client.list(POD, namespace, selector=f"{JOB_LABEL}={name}"), name))


async def _told(asked: Awaitable[Made], name: str) -> Made:
    try:
        return await asked
    except ApiError as error:
        raise JobsRefused(f"reading the pods of Job {name}: {error.message}") from None


def _decoded(raw: bytes) -> Json:
    found: Json = msgspec.json.decode(raw)
    return found
