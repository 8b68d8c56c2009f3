"""Logs: one JSON object per line, or readable lines on a terminal, and never a secret in either."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Final, Literal, TextIO

import orjson
import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "json", "text"]

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_HIDDEN: Final = "[hidden]"
_SECRET_NAMES: Final = re.compile(
    r"token|passw|secret|authorization|credential|api[-_]?key|private[-_]?key", re.IGNORECASE
)
_SECRET_TEXTS: Final = re.compile(
    r"(?i)\b(bearer|basic)\s+[\w\-.~+/]{8,}=*"  # header values
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON web tokens
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in URLs
)


def configure_logs(level: str = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Send our logs and those of libraries to *stream* (standard error). *level* is a key of `LEVELS`.

    "auto" is text on a terminal and JSON elsewhere. Raises ValueError for an unknown level.
    """
    if level.lower() not in LEVELS:
        raise ValueError(f"unknown log level {level!r}: one of {', '.join(LEVELS)}")
    stream = stream or sys.stderr
    threshold = LEVELS[level.lower()]
    text = form == "text" or (form == "auto" and stream.isatty())
    # plain tracebacks, rendered before they are searched for secrets: pretty ones would show local variables
    last = structlog.dev.ConsoleRenderer(stream.isatty(), exception_formatter=plain_traceback) if text else _json
    render: list[Processor] = [structlog.processors.format_exc_info, _redact_traceback, last]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_shared(), *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries(threshold, render, stream)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide values whose name says secret, and secrets inside texts, at any depth."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _shared() -> list[Processor]:
    return [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), redact]


def _hidden(name: str, value: object) -> object:
    if _SECRET_NAMES.search(name) and isinstance(value, str | bytes):
        return _HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXTS.sub(_HIDDEN, value)
    if isinstance(value, Mapping):
        return {inner: _hidden(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields") and not isinstance(value, Exception):
        return value if name == "exc_info" else [_hidden(name, item) for item in value]
    return value


def _redact_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = _SECRET_TEXTS.sub(_HIDDEN, str(event["exception"]))
    return event


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    first = {"time": event.pop("timestamp", ""), "level": event.pop("level", ""), "msg": event.pop("event", "")}
    return orjson.dumps(first | dict(event), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _route_libraries(threshold: int, render: list[Processor], stream: TextIO) -> None:
    """Bring aiohttp's and kubernetes_asyncio's logs into the same stream and form."""
    routed = logging.StreamHandler(stream)
    routed.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_shared()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [routed]
    # libraries tell at info what they do, not what went wrong
    root.setLevel(max(threshold, logging.WARNING) if threshold > logging.DEBUG else logging.DEBUG)
