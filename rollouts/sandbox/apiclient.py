"""The sandbox's own small way to speak to its API server; independent of the client under test."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from rollouts.api import kinds
from rollouts.api.meta import Kind
from rollouts.sandbox.accounts import SERVER
from rollouts.sandbox.errors import Refused

STRATEGIC: Final = "application/strategic-merge-patch+json"
MERGE: Final = "application/merge-patch+json"
_APPLY: Final = "application/apply-patch+yaml"
_PLAIN: Final = "application/json"
_GONE: Final = 410

SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount", "serviceaccounts")
_KINDS: Final = {
    kind.name: kind for kind in (*(value for value in vars(kinds).values() if isinstance(value, Kind)), SERVICE_ACCOUNT)
}


class Api:
    """Requests with one account's token; answers are parsed JSON, errors are raised as Refused."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(
        self, method: str, path: str, body: Any = None, *, kind_of_body: str = _PLAIN, **query: str
    ) -> dict[str, Any]:
        """One request; raises Refused for an HTTP error, aiohttp.ClientError when there was no answer."""
        text = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind_of_body}
        async with self._session.request(method, path, data=text, headers=headers, params=query) as answer:
            content = await answer.read()
            if answer.status >= 400:
                raise Refused(answer.status, _message(content))
            return json.loads(content) if content.startswith(b"{") else {}

    async def apply(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply of a whole object, taking over fields of others."""
        return await self.request(
            "PATCH", path_of(manifest), manifest, kind_of_body=_APPLY, fieldManager="sandbox", force="true"
        )

    async def answers(self, path: str) -> bool:
        """Whether a GET of *path* succeeds at this moment."""
        try:
            await self.request("GET", path)
        except (Refused, aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def watch(self, path: str, version: str) -> AsyncIterator[dict[str, Any]]:
        """Events after *version* until the server ends the watch; raises Refused(410) when that version is too old."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        forever = aiohttp.ClientTimeout(total=None)
        async with self._session.get(path, params=query, timeout=forever) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, _message(await answer.read()))
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise Refused(event["object"].get("code", _GONE), event["object"].get("message", ""))
                yield event


@asynccontextmanager
async def connect(directory: Path, account: str, connections: int = 64) -> AsyncIterator[Api]:
    """A session of the named account of the sandbox in *directory*."""
    trust = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    token = (directory / f"{account}.token").read_text()
    async with aiohttp.ClientSession(
        base_url=SERVER,
        connector=aiohttp.TCPConnector(ssl=trust, limit=connections),
        headers={"Authorization": f"Bearer {token}", "User-Agent": f"sandbox-{account}"},
        timeout=aiohttp.ClientTimeout(total=60),
        read_bufsize=2**22,
    ) as session:
        yield Api(session)


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where the API server keeps this object; raises KeyError for a kind the sandbox does not know."""
    metadata = manifest["metadata"]
    return _KINDS[manifest["kind"]].path(metadata.get("namespace", ""), metadata["name"])


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content[:300].decode(errors="replace")
