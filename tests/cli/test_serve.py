"""`scribe-relay serve` as a process."""

import json
import resource
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import pytest

from relay.cli.exits import Exit
from relay.simulator.server import Simulator
from tests.support.invoked import invoke
from tests.support.ports import free_port
from tests.support.relay import Client
from tests.support.settings import KEY
from tests.support.spawned import Running, command, relay_key, run, until

WITH_KEY = MappingProxyType({"ELEVENLABS_API_KEY": KEY})


@asynccontextmanager
async def serve(
    upstream_url: str, *arguments: str, environment: Mapping[str, str] = WITH_KEY
) -> AsyncIterator[tuple[Running, str]]:
    """Run a relay on a free port; it, and its URL."""
    flags = ("serve", "--port", "0", "--upstream-url", upstream_url, *arguments)
    async with command(*flags, environment=environment) as relay:
        await until(lambda: bool(started(relay)) or not relay.is_running)
        (line,) = started(relay)
        yield relay, line["url"]


def started(relay: Running) -> list[dict[str, Any]]:
    return [line for line in relay.log() if line["event"] == "relay starts"]


async def ask(url: str) -> tuple[int, Any]:
    """Status and body, JSON read."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


async def test_it_lives_and_is_ready(simulator: Simulator) -> None:
    async with serve(simulator.url) as (_, url):
        assert await ask(f"{url}/healthz") == (200, "ok")
        checks = dict.fromkeys(["key", "upstream", "redis", "database"], "ok")
        ready = {"ready": True, "checks": checks}
        assert await ask(f"{url}/readyz") == (200, ready)


async def test_it_says_why_it_is_not_ready() -> None:
    upstream_url = f"ws://127.0.0.1:{free_port()}"
    async with serve(upstream_url, environment={}) as (relay, url):
        assert await ask(f"{url}/healthz") == (200, "ok")
        status, body = await ask(f"{url}/readyz")
        warnings = [line["event"] for line in relay.log() if line["level"] == "warning"]
    assert status == 503
    assert body == {
        "ready": False,
        "checks": {
            "key": "ELEVENLABS_API_KEY is not set",
            "upstream": "can't be reached (ConnectionRefusedError)",
            "redis": "ok",
            "database": "ok",
        },
    }
    assert warnings[0].startswith("no key: every session will be refused")


async def test_sigterm_ends_sessions_with_1012(simulator: Simulator) -> None:
    async with serve(simulator.url) as (relay, url):
        async with Client(url, headers={"xi-api-key": await relay_key(relay.folder)}) as client:
            await client.event("session_started")
            await simulator.wait_for(lambda: bool(simulator.connections))
            relay.terminate()
            assert await client.closed() == 1012
        ended = await relay.ended(15)
    assert ended.code == -signal.SIGTERM
    assert KEY not in ended.stdout + ended.stderr
    await simulator.wait_for(lambda: not simulator.connections[0].is_open)


async def test_interrupt_ends_it_in_order(simulator: Simulator) -> None:
    async with serve(simulator.url) as (relay, url):
        await ask(f"{url}/healthz")
        relay.interrupt()
        ended = await relay.ended(15)
    assert ended.code == Exit.OK
    assert '"relay stopped"' in ended.stderr.splitlines()[-1]


async def test_it_runs_on_the_fast_parts_and_compresses_nothing(simulator: Simulator) -> None:
    async with serve(simulator.url) as (relay, url):
        headers = {"xi-api-key": await relay_key(relay.folder)}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.ws_connect(f"{url}/v1/stream", compress=15) as stream,
        ):
            assert "Sec-WebSocket-Extensions" not in stream._response.headers
            assert "server" not in stream._response.headers
            assert (await stream.receive_json())["message_type"] == "session_started"
        loaded = libraries(relay.pid)
    for part in ("uvloop/loop", "httptools/parser", "picows/picows", "soxr/soxr_ext"):
        assert part in loaded


def libraries(pid: int) -> str:
    """What a process has in memory besides Python."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_wrong_settings_are_all_named_and_no_secret_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELAY_MAX_SESSIONS=0\nELEVENLABS_API_KEY=my secret\n")
    ended = invoke("serve", "--port", "70000", environment={"RELAY_UPSTREAM_URL": "http://x"})
    assert ended.code == Exit.CONFIG
    assert sorted(line.split(" (")[0] for line in ended.complaints) == [
        "ELEVENLABS_API_KEY",
        "RELAY_MAX_SESSIONS",
        "RELAY_PORT",
        "RELAY_UPSTREAM_URL",
    ]
    assert "my secret" not in ended.stderr


async def test_port_that_is_taken_is_told(simulator: Simulator) -> None:
    port = simulator.url.rpartition(":")[2]
    ended = await run("serve", "--port", port, environment={"RELAY_PROT": "9000", **WITH_KEY})
    assert ended.code == Exit.FAILURE
    assert ended.complaints == [
        f"Port {port} on 127.0.0.1 is taken. Stop what uses it, or give another --port."
    ]
    assert (
        "warning: RELAY_PROT (environment) does nothing: did you mean RELAY_PORT?" in ended.stderr
    )


@pytest.mark.parametrize(
    "name", ["serve", "demo", "simulate", "transcribe", "doctor", "check-config"]
)
def test_flag_that_is_none_is_an_error_of_usage(name: str) -> None:
    ended = invoke(name, "--no-such-flag")
    assert ended.code == Exit.USAGE
    assert "No such option" in ended.stderr


async def test_it_takes_as_many_open_files_as_it_may(simulator: Simulator) -> None:
    async with serve(simulator.url) as (relay, _):
        soft, hard = resource.prlimit(relay.pid, resource.RLIMIT_NOFILE)
    assert soft == hard
