"""What can go wrong between us and the API server, one class per thing a caller can act on."""

# ruff: noqa: N818 (the names are the API's own words)

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec


class Cause(NamedTuple):
    """One entry of a Status' `details.causes`: *field* is the path of the field at fault, or ""."""

    reason: str
    field: str
    message: str


class ApiError(Exception):
    """The API server refused or failed a call.

    *status* is the HTTP status, 0 where no answer came; *reason* the Status object's word
    (`Conflict`, `Invalid`, ...); *retry_after* the seconds the server asked to wait, if it did.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        causes: tuple[Cause, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.causes = causes

    @property
    def is_namespace_going(self) -> bool:
        """Nothing new is let into a namespace that is being deleted: all that is in it goes, too."""
        return any(cause.reason == "NamespaceTerminating" for cause in self.causes)

    def __str__(self) -> str:
        return f"{self.reason} ({self.status}): {self.message}" if self.status else f"{self.reason}: {self.message}"


class Unauthorized(ApiError):
    """401: our credentials are not known, or no longer."""


class Forbidden(ApiError):
    """403: our account may not do this, or an admission policy refused it."""


class NotFound(ApiError):
    """404: no such object, or the API server does not serve the kind."""


class Conflict(ApiError):
    """409: the object has changed since it was read."""


class AlreadyExists(ApiError):
    """409 with reason AlreadyExists: a create found the name taken."""


class Gone(ApiError):
    """410: the resourceVersion or continue token is too old; list again."""


class Invalid(ApiError):
    """422: the object breaks a rule of its schema; *causes* name the fields."""


class TooManyRequests(ApiError):
    """429: refused for now, and surely not carried out (also an eviction that a disruption budget forbids)."""


class ServerFault(ApiError):
    """5xx: the server, or something before it, failed; a write may have been carried out."""


class Unreachable(ApiError):
    """No answer: refused, reset, cut off or too late. A write may have been carried out."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


class NotLeading(Exception):
    """A write was stopped because our Lease no longer covers it."""


class _Details(msgspec.Struct, rename="camel"):
    causes: list[dict[str, str]] | None = None
    retry_after_seconds: float | None = None


class Status(msgspec.Struct, rename="camel"):
    """The object `kind: Status` that answers a failed call and closes a failed watch."""

    message: str = ""
    reason: str = ""
    code: int = 0
    details: _Details | None = None


_BY_STATUS: Final[Mapping[int, tuple[type[ApiError], str]]] = {
    400: (ApiError, "BadRequest"),
    401: (Unauthorized, "Unauthorized"),
    403: (Forbidden, "Forbidden"),
    404: (NotFound, "NotFound"),
    409: (Conflict, "Conflict"),
    410: (Gone, "Gone"),
    422: (Invalid, "Invalid"),
    429: (TooManyRequests, "TooManyRequests"),
}


def error_of(status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """The error for an HTTP answer of 400 and above; *body* may be a Status or a proxy's HTML."""
    try:
        said = msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, msgspec.ValidationError):
        said = Status(message=body[:200].decode("utf-8", "replace").strip())
    return error_of_status(status, said, _seconds(headers.get("Retry-After")))


def error_of_status(code: int, said: Status, retry_after: float | None = None) -> ApiError:
    """The error for a Status object; *code* decides its class, the Status its words."""
    kind, reason = _BY_STATUS.get(code, (ServerFault if code >= 500 else ApiError, "InternalError"))
    if said.reason == "AlreadyExists":
        kind = AlreadyExists
    if said.reason == "Expired":
        kind = Gone
    details = said.details or _Details()
    causes = tuple(
        Cause(cause.get("reason", ""), cause.get("field", ""), cause.get("message", ""))
        for cause in details.causes or ()
    )
    if retry_after is None:
        retry_after = details.retry_after_seconds or None
    return kind(
        code, said.reason or reason, said.message or f"HTTP status {code}", retry_after=retry_after, causes=causes
    )


def _seconds(header: str | None) -> float | None:
    """Seconds of a `Retry-After` header; its date form is not used by API servers and ignored."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        return None
