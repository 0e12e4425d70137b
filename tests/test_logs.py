import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from relay.logs import OWN_LOGGERS, REDACTED, ROUTED_LOGGERS, Redactor, configure

KEY = "sk_live/key+with=signs"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what `configure` does to the process."""
    root = logging.getLogger()
    names = (*ROUTED_LOGGERS, OWN_LOGGERS)
    before = root.handlers, root.level, {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers, root.level, levels = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def last(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"refused {KEY}!", f"refused {REDACTED}!"),
        ("GET /?k=sk_live%2Fkey%2Bwith%3Dsigns&a=1", f"GET /?k={REDACTED}&a=1"),
        ("wss://host/path?token=abc123&x=1", f"wss://host/path?token={REDACTED}&x=1"),
        (f"wss://host/path?token={KEY}", f"wss://host/path?token={REDACTED}"),
        (
            f"key srk_{'0a' * 16}_Ab-C_d1 of",
            f"key srk_{'0a' * 16}_{REDACTED} of",
        ),
        (
            f"token srs_{'0a' * 16}_Ab-C_d1 of",
            f"token srs_{'0a' * 16}_{REDACTED} of",
        ),
        ("GET /login?link=Ab-C_d1 200", f"GET /login?link={REDACTED} 200"),
        ("sutkn_AbC123 is spent", f"sutkn_{REDACTED} is spent"),
        ("key sk_0123456789abcdef0123 is bad", f"key sk_{REDACTED} is bad"),
        (
            "connecting to postgresql+asyncpg://relay:pass:word@host/name",
            f"connecting to postgresql+asyncpg://relay:{REDACTED}@host/name",
        ),
        ("redis://:password@host:6379/0", f"redis://:{REDACTED}@host:6379/0"),
        ("xi-api-key: abc", f"xi-api-key: {REDACTED}"),
        ("{'xi-api-key': 'abc', 'a': 1}", f"{{'xi-api-key': '{REDACTED}', 'a': 1}}"),
        ('{"token":"abc","a":1}', f'{{"token":"{REDACTED}","a":1}}'),
        ("Authorization: Bearer abc.def", f"Authorization: {REDACTED}"),
        ("Cookie: a=1; b=2\r\nHost: x", f"Cookie: {REDACTED}\r\nHost: x"),
        ("scribe-relay.v1, ticket.AbC-_=123", f"scribe-relay.v1, ticket.{REDACTED}"),
        ("offered resume.AbCdEfGh", f"offered resume.{REDACTED}"),
        ('{"resume_token": "AbC"}', f'{{"resume_token": "{REDACTED}"}}'),
    ],
)
def test_secrets_are_replaced_wherever_they_stand(text: str, clean: str) -> None:
    redact = Redactor([KEY]).redact
    assert redact(text) == clean
    assert redact(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "the session started",
        "max_tokens_to_recompute=5",
        "ticket. Next sentence",
        "a risk_assessment",
        "resume.play",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Redactor([KEY]).redact(text) == text


def test_longer_secret_leaves_no_rest_of_the_shorter_one() -> None:
    assert Redactor(["abc", "abcdef"]).redact("xabcdefx") == f"x{REDACTED}x"


def test_empty_secret_replaces_nothing() -> None:
    assert Redactor([""]).redact("text") == "text"


def test_values_inside_an_event_are_cleaned_at_any_depth() -> None:
    event = {
        "event": f"refused {KEY}",
        "headers": {"xi-api-key": "abc", "host": "h"},
        "list": [KEY, {KEY: (KEY,)}],
        "error": ValueError(KEY),
        "raw": KEY.encode(),
        "password": 12,
        "token": "abc",
        "count": 3,
        "nothing": None,
    }
    assert Redactor([KEY])(None, "info", event) == {
        "event": f"refused {REDACTED}",
        "headers": {"xi-api-key": REDACTED, "host": "h"},
        "list": [REDACTED, {REDACTED: [REDACTED]}],
        "error": f"ValueError('{REDACTED}')",
        "raw": f"b'{REDACTED}'",
        "password": 12,
        "token": REDACTED,
        "count": 3,
        "nothing": None,
    }


def test_json_has_one_object_a_line_with_time_level_and_bound_values() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(session_id="s1"):
        structlog.get_logger("relay.session").info("session started", seconds=1.5)
    line = last(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "session started",
        "level": "info",
        "logger": "relay.session",
        "session_id": "s1",
        "seconds": 1.5,
    }


def test_standard_library_loggers_take_the_same_way() -> None:
    stream = io.StringIO()
    configure("info", "json", redactor=Redactor([KEY]), stream=stream)
    logging.getLogger("uvicorn.error").warning("refused %s", KEY)
    line = last(stream)
    assert (line["event"], line["logger"], line["level"]) == (
        f"refused {REDACTED}",
        "uvicorn.error",
        "warning",
    )


def test_handlers_that_uvicorn_brought_are_taken_away() -> None:
    own = io.StringIO()
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [logging.StreamHandler(own)]
    logger.propagate = False
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    logger.warning("started")
    assert (own.getvalue(), last(stream)["event"]) == ("", "started")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_lose_their_secrets(log_format: Any) -> None:
    stream = io.StringIO()
    configure("info", log_format, redactor=Redactor([KEY]), stream=stream)
    try:
        raise ValueError(KEY)
    except ValueError:
        structlog.get_logger("relay").exception("failed")
    assert "Traceback" in stream.getvalue()
    assert KEY not in stream.getvalue()


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream=stream)
    structlog.get_logger("relay").info("quiet")
    logging.getLogger("uvicorn").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["uvicorn", "websockets", "aiosqlite", "one.installed.later"])
def test_libraries_never_log_urls_frames_or_rows_even_at_debug(name: str) -> None:
    stream = io.StringIO()
    configure("debug", "json", stream=stream)
    for logger in (logging.getLogger(name), logging.getLogger(f"{name}.error")):
        logger.debug("> TEXT 'spoken words'")
        logger.info("WebSocket /v1/stream?keyterms=private [accepted]")
    assert stream.getvalue() == ""
    structlog.get_logger("relay.session").debug("heard")
    assert last(stream)["event"] == "heard"


def test_auto_is_json_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    configure("info", "auto", stream=stream)
    structlog.get_logger("relay").info("started")
    assert last(stream)["event"] == "started"


def test_auto_is_for_reading_on_a_terminal() -> None:
    stream = Terminal()
    configure("info", "auto", stream=stream)
    structlog.get_logger("relay").info("started")
    assert "\x1b[" in stream.getvalue()


def test_console_in_a_file_has_no_colours() -> None:
    stream = io.StringIO()
    configure("info", "console", stream=stream)
    structlog.get_logger("relay").info("started", port=8000)
    assert "\x1b[" not in stream.getvalue()
    assert "port=8000" in stream.getvalue()


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger("relay").info("started")
    assert json.loads(capsys.readouterr().err)["event"] == "started"
