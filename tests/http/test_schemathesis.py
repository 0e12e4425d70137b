"""`/api/transcripts` asked whatever its schema allows, and what it doesn't, by schemathesis."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.test_openapi import document
from tests.http.test_transcripts import record, write
from tests.support.people import operator
from tests.support.relay import relay_to

EXAMPLES = 15
"""Of each operation, and at most; enough to meet each parameter, in a second or two."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_dict(document()).include(path_regex="^/api/transcripts")


@contextmanager
def serving() -> Iterator[tuple[str, dict[str, str]]]:
    """A relay in a thread of its own, since schemathesis waits for each answer; and an operator."""
    started: list[tuple[str, dict[str, str]]] = []
    is_ready, is_over = threading.Event(), threading.Event()

    async def serve() -> None:
        try:
            async with relay_to("ws://127.0.0.1:9") as relay:
                olga = await operator(relay)
                await write(relay, record("user:1"), record("user:2", "s2"))
                started.append((relay.url, olga.headers))
                is_ready.set()
                await asyncio.to_thread(is_over.wait)
        finally:
            is_ready.set()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert is_ready.wait(60)
        yield started[0]
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="module")
def api() -> Iterator[tuple[str, requests.Session]]:
    # One session, because schemathesis wouldn't close those that it makes.
    with serving() as (url, headers), requests.Session() as session:
        session.headers.update(headers)
        yield url, session


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_asked_the_answer_is_as_it_is_written_down(
    api: tuple[str, requests.Session], case: "schemathesis.Case[Any]"
) -> None:
    url, session = api
    # Of the ids that are made up none is there.
    if case.method != "DELETE" and len(case.path_parameters.get("transcript_id") or "") % 2:
        case.path_parameters["transcript_id"] = "s1"
    case.call_and_validate(base_url=url, session=session, checks=CHECKS)
