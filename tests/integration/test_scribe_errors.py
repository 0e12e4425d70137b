"""Every error type of Scribe's, provoked at the provider, as a client of the relay sees it."""

import json
from typing import Any

import numpy as np
import pytest

from relay.protocol.close_codes import CloseCode
from relay.scribe.errors import CLASS_OF, ErrorClass, ErrorType
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from tests.support.relay import Client, Relay
from tests.support.settings import KEY

SECOND = np.zeros(48_000, np.float32)

ENDING = [kind for kind in ErrorType if CLASS_OF[kind] is not ErrorClass.PER_MESSAGE]


def expected_code(error_type: ErrorType) -> CloseCode:
    if error_type is ErrorType.RATE_LIMITED:
        return CloseCode.LIMITED
    if CLASS_OF[error_type] is ErrorClass.PERMANENT:
        return CloseCode.UPSTREAM_REFUSED
    return CloseCode.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize("moment", [{}, {"after_samples": 8000}], ids=["at open", "while speaking"])
@pytest.mark.parametrize("error_type", ENDING)
async def test_an_error_ends_the_session_with_its_name_and_its_gap(
    simulator: Simulator, relay: Relay, error_type: ErrorType, moment: dict[str, Any]
) -> None:
    simulator.faults.add(Fault(FaultKind.ERROR, error_type=error_type, **moment))
    async with Client(relay) as client:
        await client.send(SECOND)
        assert await client.closed() == expected_code(error_type)
    error = client.events[-1]
    assert error["message_type"] == error_type
    assert error["error"]
    assert error["retryable"] == (CLASS_OF[error_type] is ErrorClass.RETRYABLE)
    (gap,) = client.of("audio_gap")
    assert (gap["from_sample"], gap["reason"]) == (0, error_type)


async def test_an_error_about_one_message_is_between_relay_and_provider(
    simulator: Simulator, relay: Relay
) -> None:
    fault = Fault(FaultKind.ERROR, error_type=ErrorType.INPUT_ERROR, after_samples=8000)
    simulator.faults.add(fault)
    async with Client(relay) as client:
        await client.send(SECOND)
        await client.send(SECOND)
        ended = await client.stop()
    assert ended["audio_ms"] == 2000
    assert client.of("input_error") == []


async def test_what_was_committed_before_an_error_is_no_gap(
    simulator: Simulator, relay: Relay
) -> None:
    fault = Fault(FaultKind.ERROR, error_type=ErrorType.TRANSCRIBER_ERROR, after_finals=1)
    simulator.faults.add(fault)
    async with Client(relay, sample_rate=16_000) as client:
        await client.send(SECOND[:16_000])
        await client.say("commit")
        await client.closed()
    assert len(client.finals) == 1
    assert client.of("audio_gap") == []


async def test_the_key_is_in_no_message(simulator: Simulator, relay: Relay) -> None:
    simulator.faults.add(Fault(FaultKind.CLOSE, code=1008, reason=f"key {KEY} is bad"))
    async with Client(relay) as client:
        assert await client.closed() == CloseCode.UPSTREAM_UNAVAILABLE
    assert "is bad" in client.events[-1]["error"]
    assert KEY not in json.dumps(client.events)
