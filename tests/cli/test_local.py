"""The relay within a command."""

import asyncio
import importlib.util
import os
import signal
import socket

import aiohttp
import pytest

from relay.cli.exits import CommandFailed
from relay.cli.local import (
    LocalRelay,
    default_engine,
    describe_answers,
    interruption,
    local_relay,
    make_engine,
)
from relay.simulator.server import Simulator
from tests.support.ports import free_port
from tests.support.relay import Client
from tests.support.settings import KEY, settings_for


async def key_of(relay: LocalRelay) -> dict[str, str]:
    """Headers with which it lets a server in."""
    _, key = await relay.services.api_keys.create("test", {})
    return {"xi-api-key": key}


@pytest.fixture
def without_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no pocketsphinx."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


async def test_simulator_answers_where_there_is_no_key() -> None:
    async with local_relay(settings_for(key=None), engine="scripted") as relay:
        assert relay.engine == "scripted"
        async with Client(relay.url, headers=await key_of(relay)) as client:
            await client.event("session_started")


async def test_provider_answers_where_there_is_a_key() -> None:
    async with Simulator(api_keys=(KEY,)) as provider:
        async with local_relay(settings_for(provider.url)) as relay:
            assert (relay.engine, relay.upstream_url) == (None, provider.url)
            async with Client(relay.url, headers=await key_of(relay)) as client:
                await client.event("session_started")
        assert len(provider.connections) == 1


async def test_provider_is_left_alone_on_request() -> None:
    async with Simulator(api_keys=(KEY,)) as provider:
        settings = settings_for(provider.url)
        async with local_relay(settings, engine="scripted", force_simulator=True) as relay:
            assert relay.upstream_url != provider.url
            async with Client(relay.url, headers=await key_of(relay)) as client:
                await client.event("session_started")
        assert provider.connections == []


async def test_port_that_is_taken_leaves_no_simulator_behind() -> None:
    simulator_port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = settings_for(key=None, port=other.getsockname()[1])
        with pytest.raises(CommandFailed, match="is taken"):
            async with local_relay(settings, simulator_port=simulator_port, engine="scripted"):
                pass
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"http://127.0.0.1:{simulator_port}/")


@pytest.mark.usefixtures("without_recogniser")
def test_script_answers_where_speech_cannot_be_recognised() -> None:
    assert default_engine() == "scripted"
    answers = describe_answers("scripted", "ws://y")
    assert "install pocketsphinx (pip install 'scribe-relay[demo]'" in answers


@pytest.mark.usefixtures("without_recogniser")
def test_recogniser_that_is_missing_is_told() -> None:
    with pytest.raises(CommandFailed, match="pocketsphinx is not installed: install pocketsphinx"):
        make_engine("pocketsphinx")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_are_an_event_while_they_are_waited_for(number: signal.Signals) -> None:
    with interruption() as came:
        assert not came.is_set()
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await came.wait()
    # The next one stops the process at once.
    assert signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)
