"""A client's messages on their way into the ledger."""

import numpy as np
import pytest

from relay.audio.chain import AudioChain
from relay.audio.pcm import Encoding
from relay.audio.seam import Seam
from relay.audio.timeline import Piece, Timeline
from relay.bridge_config import BridgeConfig, Start
from relay.downstream.dialect import CommittedAudio, IntroducedAudio
from relay.errors import InputError, InvalidRequest
from relay.intake import MAX_PIECES, MESSAGE_PRICE, Intake
from relay.limits.allowance import Allowance
from relay.limits.limiter import Grant
from relay.limits.pace import Pace
from relay.limits.terms import Terms
from relay.protocol.messages import Commit, Format
from relay.scribe.parameters import Parameters
from relay.upstream.ledger import Ledger

RATE = 48_000
SECOND = np.zeros(RATE, "<f4").tobytes()


def fresh() -> Start:
    return Start(chain=AudioChain(RATE, encoding=Encoding.PCM_F32LE, channels=1))


def intake(start: Start | None = None) -> tuple[Intake, Ledger]:
    start = start or fresh()
    ledger = Ledger(bound=10**6, start=start.chain.position)
    terms = Terms(Allowance(Grant(10**6, None, None, day=0)), Pace(), max_seconds=None)
    return Intake(start, ledger, Parameters.parse(()), terms, BridgeConfig()), ledger


async def test_audio_and_a_commit_come_in_one_message() -> None:
    made, ledger = intake()
    made.take(CommittedAudio(SECOND))
    assert made.frames == RATE
    assert ledger.unanswered == 1
    assert made.uncommitted == 0


@pytest.mark.parametrize("audio", [SECOND, CommittedAudio(SECOND)])
async def test_audio_may_be_introduced(audio: bytes | CommittedAudio) -> None:
    made, ledger = intake()
    made.take(IntroducedAudio(audio, "so far"))
    assert made.frames == RATE
    assert ledger.unanswered == (0 if isinstance(audio, bytes) else 1)


async def test_a_commit_costs_what_it_may_cost_at_the_provider() -> None:
    made, _ = intake()
    little = bytes(480)
    assert made.price(little) == pytest.approx(0.0025)
    for message in (
        CommittedAudio(little),
        IntroducedAudio(CommittedAudio(b""), "so far"),
        Commit(),
    ):
        assert made.price(message) == MESSAGE_PRICE
    assert made.price(CommittedAudio(SECOND)) == 1.0


async def test_a_segment_ends_also_where_its_last_audio_cannot_be_used() -> None:
    made, ledger = intake()
    made.take(SECOND)
    with pytest.raises(InputError):
        made.take(CommittedAudio(np.full(480, np.nan, "<f4").tobytes()))
    assert made.frames == RATE + 480
    assert ledger.unanswered == 1


async def test_nothing_is_taken_after_the_end() -> None:
    made, ledger = intake()
    made.end()
    made.take(SECOND)
    assert (made.frames, ledger.end) == (0, 0)


async def test_the_rate_cannot_be_changed_for_ever_by_coming_back_either() -> None:
    made, _ = intake()
    for n in range(MAX_PIECES - 1):
        made.come_back(RATE if n % 2 else 44_100)
        made.take(bytes(4))
    made.come_back(96_000)
    with pytest.raises(InvalidRequest, match=str(MAX_PIECES)):
        made.take(bytes(4))
    with pytest.raises(InvalidRequest, match=str(MAX_PIECES)):
        made.come_back(RATE)


async def test_the_rate_cannot_be_changed_for_ever_by_formats() -> None:
    made, _ = intake()
    for n in range(MAX_PIECES - 1):
        made.take(Format(RATE if n % 2 else 44_100))
    with pytest.raises(InvalidRequest, match=str(MAX_PIECES)):
        made.take(Format(96_000))


async def test_what_was_left_out_is_not_counted_as_audio() -> None:
    made, _ = intake()
    made.take(SECOND)
    made.leave_out(3 * RATE)
    made.take(SECOND)
    assert made.frames == 4 * RATE
    assert made.seconds == pytest.approx(2.0)


async def test_what_was_left_out_at_another_worker_is_not_counted_either() -> None:
    """A second came, two were left out, a second came; then the worker was lost."""
    pieces = (Piece(RATE, 0, 0), Piece(RATE, 3 * RATE, 16_000))
    assert Timeline.restore(16_000, pieces).position_at(4 * RATE) == 32_000
    seam = Seam(next_sample=4 * RATE - 4800, pre_roll=1600, position=32_000, pieces=pieces)
    chain = AudioChain.resume(seam, encoding=Encoding.PCM_F32LE, channels=1)
    made, _ = intake(Start(chain=chain, covered=4 * RATE))
    made.take(np.zeros(4800 + RATE, "<f4").tobytes())
    assert made.seconds == pytest.approx(3.0)
