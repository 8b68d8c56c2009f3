"""What the controller would write for a plan: its own `apply`, with a transport that takes requests down."""

from typing import Any, NamedTuple

import msgspec

from rollouts.controllers.apply import apply
from rollouts.kube.client import Client
from rollouts.kube.pace import Pace
from rollouts.kube.transport import Request, Transport
from rollouts.planner.draft import Plan
from rollouts.planner.snapshot import Snapshot


class Write(NamedTuple):
    """One request that would be sent; preconditions are left out of *body*."""

    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str
    body: dict[str, Any]


class _Rehearsal(Transport):
    """Answers every request as if it had been carried out, and sends none."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def send(self, request: Request) -> bytes:
        self.requests.append(request)
        return b'{"metadata":{"resourceVersion":""}}'


async def rehearse(plan: Plan, snapshot: Snapshot) -> tuple[Write, ...]:
    """The writes of *plan*, made from *snapshot*, in order."""
    transport = _Rehearsal()
    await apply(plan, snapshot, Client(transport, Pace(0, 1)))
    return tuple(_write(request) for request in transport.requests)


def _write(request: Request) -> Write:
    target, tail = request.target, request.path.rsplit("/", 1)[-1]
    body: dict[str, Any] = msgspec.json.decode(request.body) if request.body else {}
    if target.verb == "Patch":
        body = _without_preconditions(body)
    subresource = tail if tail not in {target.name, target.kind} else ""
    return Write(target.verb.lower(), target.kind, target.namespace, target.name, subresource, body)


def _without_preconditions(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key not in {"resourceVersion", "uid"}}
    return ({"metadata": metadata} if metadata else {}) | {key: body[key] for key in body if key != "metadata"}
