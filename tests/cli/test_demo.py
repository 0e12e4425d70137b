"""`scribe-relay demo` as a process."""

import os
import re
import shlex
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from relay.cli.exits import Exit
from relay.cli.local import default_engine
from relay.simulator.server import Simulator
from tests.support.ports import free_port
from tests.support.settings import KEY
from tests.support.spawned import Running, command, run
from tests.support.speech import ALSA_RECORDINGS

ON_FREE_PORTS = ("demo", "--port", "0", "--simulator-port", "0")
SCRIPT = str(Path(sys.executable).with_name("scribe-relay"))

needs_recogniser = pytest.mark.skipif(
    default_engine() != "pocketsphinx", reason="there is no wheel for this Python"
)


async def started(demo: Running) -> dict[str, str]:
    """Wait until it has said everything; the addresses by name."""
    await demo.says("Ctrl-C ends.")
    lines = re.findall(r"^(\w+) +(\S+)$", demo.stdout, re.MULTILINE)
    return {name: address for name, address in lines if "://" in address}


def suggested(demo: Running) -> tuple[str, list[str]]:
    """The relay's key and the command that it tells to try with it."""
    ((key, line),) = re.findall(r"^  RELAY_KEY=(\S+) \\\n  (.+)$", demo.stdout, re.MULTILINE)
    return key, shlex.split(line)


@needs_recogniser
async def test_what_it_tells_to_try_prints_words() -> None:
    async with command(*ON_FREE_PORTS, program=(SCRIPT,)) as demo:
        addresses = await started(demo)
        assert addresses["Stream"] == addresses["Relay"].replace("http", "ws") + "/v1/stream"
        assert addresses["Simulator"].startswith("ws://127.0.0.1:")
        assert "it recognises English speech offline" in demo.stdout
        key, (program, *arguments) = suggested(demo)
        assert arguments == [
            "transcribe",
            str(ALSA_RECORDINGS / "Front_Center.wav"),
            "--url",
            addresses["Relay"],
        ]
        heard = await run(*arguments, program=(program,), environment={"RELAY_KEY": key})
    assert heard.code == Exit.OK
    assert heard.stdout.split()[-1] == "center"


async def test_interrupt_ends_it_in_order() -> None:
    async with command(*ON_FREE_PORTS, "--engine", "scripted") as demo:
        await started(demo)
        demo.interrupt()
        ended = await demo.ended(10)
    assert ended.code == Exit.OK
    assert ended.stdout.endswith("Ctrl-C ends.\nStopped.\n")


async def test_sigterm_ends_its_sessions_in_order() -> None:
    async with command(*ON_FREE_PORTS, "--engine", "scripted") as demo:
        addresses = await started(demo)
        async with (
            aiohttp.ClientSession(headers={"xi-api-key": suggested(demo)[0]}) as http,
            http.ws_connect(addresses["Stream"]) as stream,
        ):
            assert (await stream.receive_json())["message_type"] == "session_started"
            demo.terminate()
            async for _ in stream:
                pass
            assert stream.close_code == 1012
        ended = await demo.ended(15)
    assert ended.code == Exit.OK
    assert ended.stdout.endswith("Stopped.\n")


async def test_ports_can_be_chosen() -> None:
    port, simulator_port = free_port(), free_port()
    arguments = ("--port", str(port), "--simulator-port", str(simulator_port))
    async with command("demo", *arguments, "--engine", "scripted") as demo:
        assert await started(demo) == {
            "Relay": f"http://127.0.0.1:{port}",
            "Stream": f"ws://127.0.0.1:{port}/v1/stream",
            "Simulator": f"ws://127.0.0.1:{simulator_port}",
        }
        assert "The simulator answers with a script, whatever is said" in demo.stdout
        # From a folder of its own, and as a module: so this is what works there.
        assert suggested(demo)[1][:3] == [sys.executable, "-m", "relay"]


@pytest.mark.parametrize("flag", ["--port", "--simulator-port"])
async def test_port_that_is_taken_is_told(flag: str) -> None:
    async with Simulator() as other:
        port = other.url.rpartition(":")[2]
        ended = await run(*ON_FREE_PORTS, "--engine", "scripted", flag, port)
    assert ended.code == Exit.FAILURE
    assert ended.complaints == [
        f"Port {port} on 127.0.0.1 is taken. Stop what uses it, or give another {flag}."
    ]
    assert ended.stdout == ""


async def test_with_a_key_the_provider_answers() -> None:
    async with Simulator(api_keys=(KEY,)) as provider:
        arguments = (*ON_FREE_PORTS, "--upstream-url", provider.url)
        async with command(*arguments, environment={"ELEVENLABS_API_KEY": KEY}) as demo:
            addresses = await started(demo)
            assert set(addresses) == {"Relay", "Stream"}
            assert f"The provider answers ({provider.url})." in demo.stdout
            demo.interrupt()
            ended = await demo.ended(10)
    assert KEY not in ended.stdout + ended.stderr
    assert provider.connections == []


async def test_simulator_can_be_asked_for_although_there_is_a_key() -> None:
    arguments = (*ON_FREE_PORTS, "--simulator", "--engine", "scripted")
    async with command(*arguments, environment={"ELEVENLABS_API_KEY": KEY}) as demo:
        assert "Simulator" in await started(demo)


def sign_in_link(demo: Running) -> str:
    """The link that it tells to open in a browser."""
    link: str
    (link,) = re.findall(r"^  (http\S+/login\?link=\S+)$", demo.stdout, re.MULTILINE)
    return link


async def test_its_link_signs_a_browser_in_once() -> None:
    async with command(*ON_FREE_PORTS, "--engine", "scripted") as demo:
        origin = (await started(demo))["Relay"]
        form = {"link": sign_in_link(demo).partition("link=")[2]}
        async with (
            aiohttp.ClientSession(
                headers={"origin": origin}, cookie_jar=aiohttp.CookieJar(unsafe=True)
            ) as browser,
            browser.get(sign_in_link(demo)) as page,
            browser.post(f"{origin}/login", data=form) as start,
            browser.get(f"{origin}/ops") as operator,
            browser.post(f"{origin}/login", data=form) as again,
        ):
            assert "<button" in await page.text()
            assert (start.status, str(start.url)) == (200, f"{origin}/")
            assert "<bdi>demo-" in await start.text()
            assert (operator.status, again.status) == (200, 401)


async def test_a_demo_that_was_killed_is_no_hindrance() -> None:
    async with command(*ON_FREE_PORTS, "--engine", "scripted") as first:
        await started(first)
        lost = suggested(first)[0]
        os.kill(first.pid, signal.SIGKILL)
        arguments = (*ON_FREE_PORTS, "--engine", "scripted")
        async with command(*arguments, cwd=first.folder) as second:
            url = (await started(second))["Relay"]
            for key, status in ((lost, 401), (suggested(second)[0], 200)):
                async with (
                    aiohttp.ClientSession(headers={"xi-api-key": key}) as http,
                    http.get(f"{url}/api/me") as answer,
                ):
                    assert answer.status == status
