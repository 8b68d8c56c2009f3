"""One HTTP request with every bound it needs: time, size, and nothing secret in what is said of its failure."""

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from yarl import URL

from analysis.answers import Failure
from rollouts.api.providers import Authentication, Header, OAuth2

MAX_BODY: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. *form* or *body*; *seconds* bound everything from the name's resolution to the last byte."""

    method: str
    url: str
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    insecure: bool = False
    authentication: Authentication | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whatever the status."""

    status: int
    body: bytes


def header_map(headers: Sequence[Header]) -> dict[str, str]:
    """Headers as a mapping; the last of one name wins."""
    return {header.key: header.value for header in headers}


async def send(session: aiohttp.ClientSession, request: Request) -> Response | Failure:
    """Send *request*. Whatever goes wrong is a Failure, worded as Go's HTTP client words it."""
    try:
        async with asyncio.timeout(request.seconds):
            extra = await _authorization(session, request)
            return extra if isinstance(extra, Failure) else await _exchange(session, request, extra)
    except TimeoutError:
        return _failed(request, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
    except aiohttp.InvalidURL:
        return Failure(f'{request.method.title()} "{shown_url(request.url)}": not a URL')
    except (aiohttp.ClientError, OSError) as error:
        return _failed(request, _cause(error))
    except ValueError:
        # The text is left out: it may quote a header.
        return _failed(request, "a header or the method has characters that may not be sent")


def shown_url(url: str) -> str:
    """*url* as it may be shown: without a password."""
    try:
        parsed = URL(url)
        return str(parsed.with_password("xxxxx")) if parsed.password else url
    except ValueError:
        return url.rsplit("@", maxsplit=1)[-1]


async def _exchange(session: aiohttp.ClientSession, request: Request, extra: Mapping[str, str]) -> Response | Failure:
    async with session.request(
        request.method,
        request.url,
        headers={**request.headers, **extra},
        data=request.body if request.form is None else dict(request.form),
        ssl=not request.insecure,
    ) as response:
        body = await _body(response)
        if body is None:
            return _failed(request, f"response is larger than {MAX_BODY} bytes")
        return Response(response.status, body)


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, None when it is too large; bytes count after decompression."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _authorization(session: aiohttp.ClientSession, request: Request) -> dict[str, str] | Failure:
    """The header that proves who asks; empty without authentication."""
    wanted = request.authentication
    if wanted is None:
        return {}
    if wanted.sigv4 and wanted.sigv4 != type(wanted.sigv4)():
        return Failure("authentication with sigv4 is not supported: use basicAuth, oauth2 or a header")
    if wanted.oauth2 and wanted.oauth2 != OAuth2():
        return await _bearer(session, wanted.oauth2, insecure=request.insecure)
    if wanted.basic_auth and (wanted.basic_auth.username or wanted.basic_auth.password):
        return _basic(wanted.basic_auth.username, wanted.basic_auth.password)
    return {}


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


async def _bearer(session: aiohttp.ClientSession, client: OAuth2, *, insecure: bool) -> dict[str, str] | Failure:
    """A token by client credentials: with the secret in a header, then, if refused, in the form (RFC 6749 §2.3.1)."""
    if not (client.token_url and client.client_id and client.client_secret):
        return Failure("missing mandatory parameter in metric for OAuth2 setup: tokenUrl, clientId and clientSecret")
    form = {"grant_type": "client_credentials"} | ({"scope": " ".join(client.scopes)} if client.scopes else {})
    in_form = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
    response: Response | Failure = Failure("")
    for headers, body in ((_basic(client.client_id, client.client_secret), form), ({}, in_form)):
        request = Request("POST", client.token_url, 0, headers=headers, form=body, insecure=insecure)
        response = await _exchange(session, request, {})
        if isinstance(response, Failure) or response.status // 100 == 2:
            break
    if isinstance(response, Failure):
        return response
    if response.status // 100 != 2:
        return Failure(f"oauth2: cannot fetch token: {response.status}")
    token = _token(response.body)
    return {"Authorization": f"Bearer {token}"} if token else Failure("oauth2: server response missing access_token")


def _token(body: bytes) -> str:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = answer.get("access_token") if isinstance(answer, dict) else None
    return token if isinstance(token, str) else ""


def _failed(request: Request, cause: str) -> Failure:
    return Failure(f'{request.method.title()} "{shown_url(request.url)}": {cause}')


def _cause(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "certificate not valid for this name"
            return f"tls: failed to verify certificate: {reason}"
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {error.host}: no such host"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ssl.SSLError):
            return f"tls: {error.os_error.reason or 'handshake failure'}"
        case aiohttp.ClientConnectorError():
            reason = (error.os_error.strerror or "failed").split(":")[-1].split("[")[0].strip().lower()
            return f"dial tcp {error.host}:{error.port}: connect: {_refusal(error) or reason}"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case aiohttp.TooManyRedirects():
            return "stopped after 10 redirects"
        case aiohttp.ClientPayloadError():
            return "unexpected EOF"
    return f"request failed ({type(error).__name__})"


def _refusal(error: aiohttp.ClientConnectorError) -> str:
    return "connection refused" if isinstance(error.os_error, ConnectionRefusedError) else ""
