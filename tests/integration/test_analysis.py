"""What is said on a socket, judged: in the API, in metrics, at the webhook; or not kept at all."""

import asyncio
import json
from typing import Any, Final

import aiohttp

from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.moderation import MODERATION_PATH
from relay.simulator.server import Simulator
from tests.integration.test_stream import noise
from tests.support.receiving import Receiver
from tests.support.relay import Client, Relay, relay_to
from tests.support.settings import KEY
from tests.support.waiting import until

SECRET: Final = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TEXTS: Final = ("good morning", "I will kill you, you idiot")


async def speak(relay: Relay) -> str:
    """Say both texts; the session's id."""
    async with Client(relay, sample_rate=16_000) as client:
        for number, _ in enumerate(TEXTS, 1):
            await client.send(noise(0.5, 16_000))
            await client.say("commit")
            await client.count("committed_transcript", number)
        await client.stop()
    assert client.finals == list(TEXTS)
    return str(client.of("session_started")[0]["session_id"])


async def read(relay: Relay, session_id: str) -> dict[str, Any]:
    url = f"{relay.url}/api/transcripts/{session_id}"
    headers = {"xi-api-key": relay.key}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        found: dict[str, Any] = await answer.json()
    return found


async def test_what_is_said_is_judged_by_both_and_told() -> None:
    engine = ScriptedEngine(TEXTS)
    async with Simulator(api_keys=(KEY,), engine=engine) as simulator, Receiver() as receiver:
        moderation = simulator.url.replace("ws", "http", 1) + MODERATION_PATH
        async with relay_to(
            simulator.url,
            moderation_url=moderation,
            moderation_key="any",
            webhook_secret=SECRET,
            webhook_url=receiver.url,
        ) as relay:
            session_id = await speak(relay)

            async def are_told() -> bool:
                return len(receiver.received) == 2

            await until(are_told, "both analysers' flags")
            transcript = await read(relay, session_id)
            async with aiohttp.ClientSession() as http, http.get(f"{relay.url}/metrics") as answer:
                counted = await answer.text()
    assert transcript["flags"] == ["threat", "toxicity"]
    quiet, loud = transcript["segments"]
    assert quiet["flags"] == []
    assert {(each["kind"], each["analyser"]) for each in loud["flags"]} == {
        (kind, analyser) for kind in ("threat", "toxicity") for analyser in ("local", "http")
    }
    told = [json.loads(each.body)["data"] for each in receiver.received]
    assert [(each["session_id"], each["segment"]) for each in told] == [(session_id, 1)] * 2
    assert 'relay_analysis_flags_total{analyser="http",kind="threat"} 1.0' in counted


async def test_of_what_is_not_kept_nothing_is_judged() -> None:
    engine = ScriptedEngine(TEXTS)
    async with (
        Simulator(api_keys=(KEY,), engine=engine) as simulator,
        Receiver() as receiver,
        relay_to(
            simulator.url,
            retention_days=0,
            moderation_url=receiver.url,
            webhook_secret=SECRET,
            webhook_url=receiver.url,
        ) as relay,
    ):
        session_id = await speak(relay)
        await asyncio.sleep(0.6)  # two looks at what is to be stored
        assert "segments" not in await read(relay, session_id)
    assert receiver.received == []
