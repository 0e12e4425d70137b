"""What the relay does for Scribe's clients beyond Scribe, and how it says what it can't hide."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from relay.app import create_app
from relay.audio.pcm import Int16
from relay.lines import Line
from relay.scribe.errors import ErrorType
from relay.scribe.parameters import Parameters
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.upstream.connection import UpstreamConnection
from relay.upstream.recovery import REMEDIES
from tests.simulator.scribe import Message, Scribe
from tests.support.contract import check_scribe_message
from tests.support.people import ask, operator, person
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY, settings_for
from tests.support.speech import flite
from tests.support.waiting import until

RATE = 16_000

HIDDEN = [kind for kind in ErrorType if not REMEDIES[kind].ends and not REMEDIES[kind].goes_on]
ENDING = [kind for kind in ErrorType if REMEDIES[kind].ends]

KNOWN = {"session_started", "partial_transcript", "committed_transcript"}
"""All that a client hears of a session in which nothing is asked for and all goes well."""


class Checked(Scribe):
    """A client that holds every message against the contract."""

    async def next(self) -> Message:
        message = await super().next()
        check_scribe_message(message)
        return message


def caller(relay: Relay, **query: Any) -> Scribe:
    return Checked(relay.url.replace("http", "ws", 1), key=relay.key, **query)


def noise(seconds: float, seed: int = 0) -> Int16:
    random = np.random.default_rng(seed)
    return random.integers(-(2**14), 2**14, round(seconds * RATE)).astype(np.int16)


async def send(client: Scribe, samples: Int16, **fields: Any) -> None:
    await client.send(samples.astype("<i2").tobytes(), **fields)


async def refused(client: Scribe) -> tuple[str, tuple[int | None, str | None]]:
    """The one message that a client hears which can't have a session, and the close behind it."""
    async with client:
        (error,) = await client.rest()
    assert set(error) == {"message_type", "error"}
    return error["message_type"], client.close


def committed(simulator: Simulator) -> Int16:
    """What the provider has given finals for, over all sockets, in order."""
    parts = [
        record.audio[commit.start : commit.end]
        for record in simulator.connections
        if record.payload is not None
        for commit in record.commits[: record.finals]
    ]
    return np.concatenate(parts)


# Who may speak.


async def test_a_page_shows_its_ticket_as_token(relay: Relay) -> None:
    anna = await person(relay)
    answer = await ask(relay, "POST", "/v1/single-use-token/realtime_scribe", anna.headers)
    url = relay.url.replace("http", "ws", 1)
    async with Scribe(url, key=None, token=answer.body["token"]) as client:
        await client.until("session_started")
        await client.say(0.5, commit=True)
        await client.until("committed_transcript")


async def test_a_cookie_is_no_credential_here(relay: Relay) -> None:
    anna = await person(relay)
    client = Scribe(relay.url.replace("http", "ws", 1), key=None)
    client._connect.additional_headers = anna.headers
    assert await refused(client) == ("auth_error", (1000, ""))


async def test_two_tokens_are_none(relay: Relay) -> None:
    client = Scribe(relay.url.replace("http", "ws", 1), key=None, token=["a", "b"])
    assert await refused(client) == ("auth_error", (1000, ""))


async def test_a_ticket_of_another_page_is_a_bad_token(relay: Relay) -> None:
    anna = await person(relay)
    answer = await ask(
        relay,
        "POST",
        "/v1/single-use-token/realtime_scribe",
        anna.headers,
        json={"origin": "https://app.example.org"},
    )
    url = relay.url.replace("http", "ws", 1)
    assert await refused(Scribe(url, key=None, token=answer.body["token"])) == (
        "auth_error",
        (1000, ""),
    )


async def test_a_revoked_key_ends_the_session_as_a_bad_one(relay: Relay) -> None:
    olga = await operator(relay)
    async with caller(relay) as client:
        await client.until("session_started")
        await client.say(1.0)
        (key,) = await relay.services.api_keys.list()
        await ask(relay, "DELETE", f"/api/keys/{key.id}", olga.headers)
        messages = await client.rest()
    assert [each["message_type"] for each in messages].count("auth_error") == 1
    assert "committed_transcript" in client.types
    assert client.close == (1000, "")


# What is asked for.


async def test_the_provider_hears_of_no_unknown_parameter(
    simulator: Simulator, relay: Relay
) -> None:
    async with caller(relay, sample_rate="16000", colour="red") as client:
        warning = await client.until("warning")
        await client.say(0.5, commit=True)
        await client.until("committed_transcript")
    assert warning == {
        "message_type": "warning",
        "warning": "Ignored, since Scribe has no such parameters: 'sample_rate', 'colour'.",
    }
    assert {name for name, _ in simulator.connections[0].query} == {
        "model_id",
        "audio_format",
        "commit_strategy",
    }


async def test_what_costs_extra_is_refused_unless_it_is_allowed(relay: Relay) -> None:
    client = caller(relay, keyterms="Kyiv")
    assert await refused(client) == ("invalid_request", (1008, "invalid_request"))


async def test_turns_are_not_predicted_here(relay: Relay) -> None:
    client = caller(relay, model_id="scribe_v3_live", commit_strategy="turn_prediction")
    assert await refused(client) == ("invalid_request", (1008, "invalid_request"))


async def test_voice_activity_is_heard_by_the_relay_itself(
    simulator: Simulator, relay: Relay
) -> None:
    samples, rate = flite("the train leaves at nine in the morning", "rms")
    assert rate == RATE
    silence = np.zeros(RATE, np.int16)
    async with caller(relay, commit_strategy="vad", vad_silence_threshold_secs="0.5") as client:
        for part in (samples, silence, samples, silence):
            await send(client, part)
        for _ in range(2):
            await client.until("committed_transcript")
    assert client.messages[0]["config"]["vad_commit_strategy"] is True
    parameters = simulator.connections[0].parameters
    assert parameters is not None
    assert parameters.commit_strategy == "manual"


async def test_a_commit_of_too_little_is_padded_and_not_throttled(
    simulator: Simulator, relay: Relay
) -> None:
    async with caller(relay) as client:
        for _ in range(2):
            await client.say(0.1, commit=True)
            await client.until("committed_transcript")
        await client.say(commit=True)  # with nothing at all behind it
        await client.until("committed_transcript")
    assert set(client.types) <= KNOWN
    assert simulator.connections[0].errors == []


# Trouble with the provider that clients needn't hear of.


BREAKS: dict[str, Fault] = {
    "at the handshake": Fault(FaultKind.RESET_HANDSHAKE),
    "in mid-sentence": Fault(FaultKind.DROP, after_samples=RATE),
    "after a commit": Fault(FaultKind.DROP, after_commits=1),
    "a clean close": Fault(FaultKind.CLOSE, code=1000, after_samples=RATE),
    **{str(kind): Fault(FaultKind.ERROR, error_type=kind, after_samples=RATE) for kind in HIDDEN},
}


@pytest.mark.parametrize("fault", BREAKS.values(), ids=BREAKS)
async def test_a_break_is_not_noticed(simulator: Simulator, relay: Relay, fault: Fault) -> None:
    simulator.faults.add(fault)
    said = [noise(1.5, 1), noise(1.5, 2)]
    async with caller(relay, include_timestamps="true") as client:
        for segment in said:
            for part in np.array_split(segment, 15):
                await send(client, part)
            await client.say(commit=True)
            timed = await client.until("committed_transcript_with_timestamps")
    assert set(client.types) <= {*KNOWN, "committed_transcript_with_timestamps"}
    assert client.types.count("committed_transcript") == 2
    assert np.array_equal(committed(simulator), np.concatenate(said))
    assert timed["words"][0]["start"] == pytest.approx(1.5, abs=0.05)


async def test_a_roll_over_is_not_noticed(simulator: Simulator) -> None:
    said = [noise(0.5, seed) for seed in range(12)]
    async with (
        relay_to(simulator.url, upstream_session_limit=3) as relay,
        caller(relay) as client,
    ):
        for part in said:
            await send(client, part, commit=True)
            await client.until("committed_transcript")
            await asyncio.sleep(0.1)
    assert set(client.types) <= KNOWN
    assert len(simulator.connections) > 1
    assert np.array_equal(committed(simulator), np.concatenate(said))


async def test_what_was_said_before_is_told_again_until_there_are_words(
    simulator: Simulator, relay: Relay
) -> None:
    simulator.faults.add(Fault(FaultKind.DROP, after_samples=RATE // 2))
    async with caller(relay) as client:
        await client.say(0.6, previous_text="so far, so good")
        await client.say(commit=True)
        await client.until("committed_transcript")
    assert [each.previous_text for each in simulator.connections] == ["so far, so good"] * 2


async def test_a_stretch_that_breaks_the_provider_is_left_out_and_told_of() -> None:
    fault = Fault(
        FaultKind.ERROR, error_type=ErrorType.TRANSCRIBER_ERROR, after_samples=8000, count=3
    )
    async with (
        Simulator(api_keys=(KEY,), faults=[fault]) as simulator,
        relay_to(simulator.url) as relay,
        caller(relay) as client,
    ):
        await client.say(1.0, commit=True)
        warning = await client.until("warning")
        await client.say(1.0, commit=True)
        await client.until("committed_transcript")
    # Clients count finals: the commit that was left out has one as well.
    assert client.types.count("committed_transcript") == 2
    assert warning["warning"] == (
        "No transcript covers the audio from 0.00 to 1.00 s: transcriber_error."
    )


# What can't be hidden.


@pytest.mark.parametrize("kind", ENDING)
async def test_what_no_new_socket_can_mend_is_said_in_scribes_words(
    simulator: Simulator, relay: Relay, kind: ErrorType
) -> None:
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=kind, after_samples=RATE // 2))
    async with caller(relay) as client:
        await client.say(1.0)
        messages = await client.rest()
    (error,) = [message for message in messages if "error" in message]
    assert (messages[-1], error["message_type"]) == (error, kind)
    expected = {"auth_error": (1000, ""), "invalid_request": (1008, "invalid_request")}
    assert client.close == expected.get(kind, (1000, kind))


async def test_a_provider_that_stays_away_is_a_failure_of_the_transcriber(
    simulator: Simulator,
) -> None:
    simulator.faults.add(Fault(FaultKind.RESET_HANDSHAKE, count=None))
    async with (
        relay_to(simulator.url, upstream_outage_limit=0.5) as relay,
        caller(relay) as client,
    ):
        await client.say(1.0)
        messages = await client.rest()
    assert set(messages[-1]) == {"message_type", "error"}
    assert messages[-1]["message_type"] == "transcriber_error"
    assert client.close == (1000, "transcriber_error")


async def test_a_session_too_many_is_rate_limited(simulator: Simulator) -> None:
    async with relay_to(simulator.url, limit_key_sessions=1) as relay, caller(relay) as first:
        await first.until("session_started")
        assert await refused(caller(relay)) == ("rate_limited", (1000, "rate_limited"))


async def test_minutes_that_are_used_up_are_a_quota(simulator: Simulator) -> None:
    async with relay_to(simulator.url, limit_key_minutes_per_day=0.02) as relay:
        async with caller(relay) as client:
            for _ in range(4):
                await client.say(1.0)
            messages = await client.rest()
        assert messages[-1]["message_type"] == "quota_exceeded"
        assert client.close == (1000, "quota_exceeded")
        assert "committed_transcript" in client.types


async def test_the_longest_session_ends_by_scribes_name(simulator: Simulator) -> None:
    async with (
        relay_to(simulator.url, limit_key_session_minutes=0.01) as relay,
        caller(relay) as client,
    ):
        await client.say(0.5)
        messages = await client.rest()
    assert messages[-1]["message_type"] == "session_time_limit_exceeded"
    assert client.close == (1000, "session_time_limit_exceeded")


async def test_a_chunk_that_is_too_large_ends_the_session(relay: Relay) -> None:
    async with caller(relay) as client:
        await client.say(1.0)
        await client.send(bytes(256 * 1024))
        messages = await client.rest()
    assert [each["message_type"] for each in messages][-2:] == [
        "chunk_size_exceeded",
        "committed_transcript",
    ]
    assert client.close == (1000, "chunk_size_exceeded")


async def test_a_fault_of_the_relays_is_an_error_without_details(simulator: Simulator) -> None:
    async def broken(line: Line, granted: Parameters) -> UpstreamConnection:
        raise ZeroDivisionError("a bug that names " + KEY)

    settings = settings_for(simulator.url)
    app = create_app(settings, open_upstream=broken)
    async with Relay(settings, app) as relay, caller(relay) as client:
        messages = await client.rest()
    assert messages[-1]["message_type"] == "error"
    assert KEY not in json.dumps(messages)
    assert client.close == (1000, "error")


async def test_a_worker_that_leaves_ends_the_session_in_order(simulator: Simulator) -> None:
    async with relay_to(simulator.url) as relay:
        client = await caller(relay).__aenter__()
        await client.until("session_started")
        await client.say(1.0)
        await simulator.wait_for(lambda: any(each.samples for each in simulator.connections))
    messages = await client.rest()
    assert [each["message_type"] for each in messages][-2:] == [
        "committed_transcript",
        "session_time_limit_exceeded",
    ]
    assert client.close == (1000, "session_time_limit_exceeded")
    await client.__aexit__(None, None, None)


async def test_a_client_that_says_nothing_for_long_is_closed_without_a_word(
    simulator: Simulator,
) -> None:
    async with relay_to(simulator.url, idle_timeout=1.0) as relay, caller(relay) as client:
        messages = await client.rest()
    assert [each["message_type"] for each in messages] == ["session_started"]
    assert client.close == (1000, "")


# How clients leave.


async def is_written(relay: Relay) -> bool:
    today = datetime.now(UTC).date()
    return bool(await relay.services.usage.per_day(today, today))


@pytest.mark.parametrize("way", ["close", "abort"])
async def test_what_a_client_leaves_uncommitted_is_committed_and_counted(
    simulator: Simulator, relay: Relay, way: str
) -> None:
    async with caller(relay) as client:
        await client.until("session_started")
        await client.say(1.5)
        await simulator.wait_for(lambda: any(each.samples for each in simulator.connections))
        if way == "close":
            await client.connection.close(1000, "User ended conversation")
            await client.rest()
            assert client.messages[-1]["message_type"] == "committed_transcript"
        else:
            client.connection.transport.abort()
        await simulator.wait_for(lambda: simulator.connections[0].finals == 1)
    assert len(committed(simulator)) == 1.5 * RATE
    await until(lambda: is_written(relay), "the ledger")
    today = datetime.now(UTC).date()
    (row,) = await relay.services.usage.per_day(today, today)
    assert row.received_ms == 1500
    assert await relay.services.registry.list() == []


async def test_nobody_can_come_back_to_such_a_session(relay: Relay) -> None:
    async with caller(relay) as client:
        started = await client.until("session_started")
    assert set(started) == {"message_type", "session_id", "config"}


async def test_a_close_is_answered_at_once_where_nothing_is_left_to_say(relay: Relay) -> None:
    async with caller(relay) as client:
        await client.until("session_started")
        await client.connection.close()
        assert await client.rest() == client.messages[:1]
    assert client.close == (1000, "")


async def test_what_comes_after_a_close_counts_for_nothing(
    simulator: Simulator, relay: Relay
) -> None:
    async with caller(relay) as client:
        await client.until("session_started")
        await client.say(1.0)
        protocol = client.connection.protocol
        data = protocol.data_to_send
        protocol.send_close(1000)
        frames = b"".join(data())
        client.connection.transport.write(frames + frames)
        await client.rest()
    assert client.types.count("committed_transcript") == 1
    assert simulator.connections[0].samples == RATE
