"""Faults and records over HTTP: what the calls do, and who may call."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from relay.simulator.control import is_local
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.simulator.scribe import KEY, Scribe

CALLS = [
    ("GET", "/simulator/faults"),
    ("POST", "/simulator/faults"),
    ("DELETE", "/simulator/faults"),
    ("GET", "/simulator/connections"),
]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=[KEY]) as running:
        yield running


async def call(
    simulator: Simulator, method: str, path: str, *, body: object = None, **headers: str
) -> tuple[int, Any]:
    """Make a call; the status, and the JSON if there is any."""
    url = simulator.url.replace("ws", "http", 1) + path
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=body, headers=headers) as response,
    ):
        is_json = response.content_type == "application/json"
        return response.status, await response.json() if is_json else None


async def test_a_fault_is_added_while_the_simulator_runs(simulator: Simulator) -> None:
    fault = {"kind": "close", "code": 1012, "after_samples": 0}
    assert await call(simulator, "POST", "/simulator/faults", body=fault) == (201, fault)
    assert await call(simulator, "GET", "/simulator/faults") == (200, [fault])
    async with Scribe(simulator) as client:
        await client.rest()
    assert client.close == (1012, "")
    assert await call(simulator, "GET", "/simulator/faults") == (200, [])


async def test_faults_that_wait_can_be_cleared(simulator: Simulator) -> None:
    simulator.faults.add(Fault(FaultKind.DROP))
    assert await call(simulator, "DELETE", "/simulator/faults") == (204, None)
    assert not simulator.faults.waiting


async def test_what_is_no_fault_is_refused_with_a_reason(simulator: Simulator) -> None:
    status, answer = await call(simulator, "POST", "/simulator/faults", body={"kind": "explode"})
    assert status == 422
    assert "explode" in answer["error"]


async def test_connections_tell_what_came_oldest_first(simulator: Simulator) -> None:
    async with Scribe(simulator, key="wrong") as refused:
        await refused.rest()
    async with Scribe(simulator, language_code="en") as client:
        await client.say(0.5, commit=True)
        await client.until("committed_transcript")
        status, (first, second) = await call(simulator, "GET", "/simulator/connections")
    assert status == 200
    assert (first["errors"], first["credential"], first["is_open"]) == (
        ["auth_error"],
        None,
        False,
    )
    assert (second["samples"], second["finals"], second["is_open"]) == (8000, 1, True)
    assert second["commits"] == [{"index": 0, "start": 0, "end": 8000, "cause": "client"}]
    assert second["query"] == [["language_code", "en"]]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "10.0.0.1"},
    ],
)
async def test_a_web_page_can_not_call(
    simulator: Simulator, method: str, path: str, headers: dict[str, str]
) -> None:
    simulator.faults.add(Fault(FaultKind.DROP))
    body = {"kind": "stall"}
    assert await call(simulator, method, path, body=body, **headers) == (403, None)
    assert simulator.faults.waiting == (Fault(FaultKind.DROP),)


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1", "[::1]:8001"])
async def test_a_program_on_this_machine_can_call(simulator: Simulator, host: str) -> None:
    assert (await call(simulator, "GET", "/simulator/faults", Host=host))[0] == 200


@pytest.mark.parametrize(
    ("remote", "is_allowed"),
    [("127.0.0.1", True), ("::1", True), ("192.168.0.2", False), ("", False)],
)
def test_only_this_machine_can_call(remote: str, is_allowed: bool) -> None:
    request = make_mocked_request("GET", "/simulator/faults", {"Host": "localhost"})
    assert is_local(request.clone(remote=remote)) is is_allowed
