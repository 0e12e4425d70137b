"""Structured logs without secrets, and the redaction that error texts share with them.

One line per event, JSON or for reading, on standard error. What uvicorn, websockets, picows and the
rest say through the standard library takes the same way and loses the same secrets.
"""

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TextIO, TypeAlias
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Level: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
Format: TypeAlias = Literal["auto", "json", "console"]

REDACTED = "[redacted]"
"""What stands where a secret stood."""

_NAMES = r"xi-api-key|authorization|token|resume_token|api_key|password"
_SECRET_KEY = re.compile(rf"{_NAMES}|(?:set-)?cookie", re.IGNORECASE)
_SECRET_TEXTS = (
    # A cookie header holds several values, with spaces between them.
    re.compile(r"(\b(?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+", re.IGNORECASE),
    # A header or field and its value, as in a URL, a dump of headers, JSON or a repr. A credential
    # may have a scheme word before it (`Bearer x`), so two words go. What is clean already stays.
    re.compile(
        rf"((?<![\w-])(?:{_NAMES})[\"']?\s*[:=]\s*[\"']?)(?!{re.escape(REDACTED)})"
        r"(?:(?:bearer|basic)\s+)?[^\s&\"',;)}\]]+",
        re.IGNORECASE,
    ),
    # Credentials among the subprotocols of a WebSocket handshake.
    re.compile(r"(\b(?:ticket|resume)\.)[\w=.-]{8,}"),
    # The password in the URL of a database or of Redis, in whatever form its library has it.
    re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)"),
    # The provider's own forms: single-use tokens and keys.
    re.compile(r"(\bsutkn_)\w+"),
    # The relay's own: keys, resume tokens, and links that sign somebody in.
    re.compile(r"(\bsr[ks]_[0-9a-f]{32}_)[\w-]+"),
    re.compile(r"([?&]link=)[\w-]+"),
    re.compile(r"(\bsk_)[0-9a-f]{16,}"),
)

OWN_LOGGERS = "relay"
"""All of ours are below it. Those of others are heard from `warning` up: below, they log URLs,
frames with their words, and what is written to the database."""

ROUTED_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")
"""Loggers that bring handlers of their own, which are taken away."""


class Redactor:
    """Takes secrets out of texts and log events: those it was told, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        # The longest first, so that a secret that contains another leaves nothing behind.
        alternatives = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
        self._known = re.compile("|".join(alternatives)) if alternatives else None

    def redact(self, text: str) -> str:
        """Replace every secret in `text`; the rest stays as it is."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for pattern in _SECRET_TEXTS:
            text = pattern.sub(rf"\g<1>{REDACTED}", text)
        return text

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Clean a log event; meant as structlog's last processor before rendering."""
        return {key: self._clean(key, value) for key, value in event.items()}

    def _clean(self, key: object, value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case _ if isinstance(key, str) and _SECRET_KEY.fullmatch(key):
                return REDACTED
            case str():
                return self.redact(value)
            case Mapping():
                return {self.redact(str(k)): self._clean(k, item) for k, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._clean(None, item) for item in value]
            case _:
                return self.redact(repr(value))


def configure(
    level: Level = "info",
    format: Format = "auto",  # noqa: A002  # it is the setting's name
    *,
    redactor: Redactor | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send the logs of this process to `stream`, in one form and without secrets.

    Afterwards `structlog.get_logger()` and `logging.getLogger()` both work; what
    `structlog.contextvars.bind_contextvars` binds, such as a session's id, is on every line.
    uvicorn must be started with `log_config=None`, or it takes its own loggers back.

    Args:
        level: The least severe that is logged.
        format: `auto` is `console` on a terminal, else `json`.
        redactor: Knows this process's secrets; without it, only the general patterns are redacted.
        stream: Standard error if not given.
    """
    stream = sys.stderr if stream is None else stream
    is_console = format == "console" or (format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Tracebacks become text before the redactor, which then cleans them like any other.
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redactor or Redactor(),
                _renderer(is_console=is_console, is_coloured=stream.isatty()),
            ],
        )
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _route_standard_library(handler, threshold)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _renderer(*, is_console: bool, is_coloured: bool) -> Processor:
    if not is_console:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=is_coloured, exception_formatter=structlog.dev.plain_traceback
    )


def _route_standard_library(handler: logging.Handler, threshold: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(threshold, logging.WARNING))
    logging.getLogger(OWN_LOGGERS).setLevel(threshold)
    for name in ROUTED_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.NOTSET)
        logger.handlers = []
        logger.propagate = True
