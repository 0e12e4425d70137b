"""A client's messages on their way into the ledger."""

import asyncio

import numpy as np
import pytest

from relay.audio.chain import AudioChain
from relay.audio.health import Ailment, Finding
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
from relay.protocol.messages import Commit, Format, Mute
from relay.scribe.parameters import Parameters
from relay.upstream.ledger import Ledger

RATE = 48_000
SECOND = np.zeros(RATE, "<f4").tobytes()
BAD = np.full(480, np.nan, "<f4").tobytes()


def fresh() -> Start:
    return Start(chain=AudioChain(RATE, encoding=Encoding.PCM_F32LE, channels=1))


def intake(
    start: Start | None = None,
    found: list[Finding] | None = None,
    refused: list[InputError] | None = None,
    **options: str,
) -> tuple[Intake, Ledger]:
    start = start or fresh()
    ledger = Ledger(bound=10**6, start=start.chain.position)
    terms = Terms(Allowance(Grant(10**6, None, None, day=0)), Pace(), max_seconds=None)
    made = Intake(
        start,
        ledger,
        Parameters.parse(options.items()),
        terms,
        BridgeConfig(),
        found=(found if found is not None else []).append,
        refused=(refused if refused is not None else []).append,
    )
    return made, ledger


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
    refused: list[InputError] = []
    made, ledger = intake(refused=refused)
    made.take(SECOND)
    made.take(CommittedAudio(BAD))
    assert len(refused) == 1
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


async def test_what_is_wrong_with_the_sound_is_found() -> None:
    found: list[Finding] = []
    made, _ = intake(found=found)
    for _ in range(11):
        made.take(SECOND)
    assert [finding.ailment for finding in found] == [Ailment.SILENT]
    assert made.ailments == (Ailment.SILENT,)


async def test_a_muted_microphone_may_be_silent() -> None:
    found: list[Finding] = []
    made, _ = intake(found=found)
    for second in range(20):
        if second % 8 == 0:
            made.take(Mute())
        made.take(SECOND)
    assert not found


async def test_another_device_is_judged_anew() -> None:
    found: list[Finding] = []
    made, _ = intake(found=found)
    for _ in range(9):
        made.take(SECOND)
    made.take(Format(16_000))
    for _ in range(2):
        made.take(SECOND)  # three seconds each by now
    assert not found


def noise(seconds: float) -> bytes:
    frames = np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * RATE))
    return frames.astype("<f4").tobytes()


def sent(ledger: Ledger) -> list[bytes]:
    """The payloads so far."""
    payloads = []
    while (entry := ledger.peek()) is not None:
        payloads.append(entry.payload)
        ledger.advance()
    return payloads


@pytest.mark.parametrize("frames", [480, 960, 1440, 4800, 11_111])
@pytest.mark.parametrize("commit_strategy", ["manual", "vad"])
@pytest.mark.parametrize("comes_back", [False, True])
async def test_a_chunk_is_there_with_the_message_that_completes_it(
    frames: int, commit_strategy: str, comes_back: bool
) -> None:
    """Messages that are worked on together give what they give one by one, and no later."""
    audio, size = noise(3.0), frames * 4
    chain, made_at = fresh().chain, []
    made, ledger = intake(commit_strategy=commit_strategy)
    for start in range(0, len(audio), size):
        if comes_back and start == 7 * size:
            made.come_back(RATE)
        chain.push(audio[start : start + size])
        made.take(audio[start : start + size])
        made_at.append((chain.position // 1600, ledger.end // 1600))
    assert all(ours == expected for expected, ours in made_at)
    made.flush()
    whole = fresh().chain.push(audio)
    assert b"".join(sent(ledger)) == whole.tobytes()[: made.chain.position * 2]
    assert made.frames == 3 * RATE


async def test_each_message_that_cannot_be_used_is_refused_by_itself() -> None:
    refused: list[InputError] = []
    made, _ = intake(refused=refused)
    for message in (bytes(1920), BAD, bytes(1920), BAD):
        made.take(message)
    assert made.frames == 4 * 480
    assert len(refused) == 2


@pytest.mark.parametrize("message", [Commit(), Format(16_000), Mute()])
async def test_what_steers_a_session_overtakes_no_audio(message: Commit | Format | Mute) -> None:
    made, _ = intake()
    made.take(bytes(1920))
    made.take(message)
    assert made.chain.frames_received == 480


async def test_asking_how_much_came_works_on_nothing() -> None:
    """What is found in the sound is told, and takes the number that a final has just got."""
    made, _ = intake()
    made.take(bytes(1920))
    assert made.seconds == pytest.approx(0.01)
    assert made.chain.frames_received == 0


async def test_a_message_without_audio_is_left_to_whoever_notes_signs_of_life() -> None:
    made, _ = intake()
    assert not made.take_now(b"")


async def test_where_a_segment_has_ended_is_known_from_all_that_came() -> None:
    made, _ = intake()
    made.take(bytes(1920))
    assert made.committed == 0
    assert made.chain.frames_received == 480


async def test_what_was_taken_at_once_may_keep_the_next_message_waiting() -> None:
    made, ledger = intake()
    await asyncio.wait_for(made.until_free(), 1)
    ledger.append(b"", 10**6)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(made.until_free(), 0.01)


async def test_what_came_before_the_end_is_sent() -> None:
    made, ledger = intake()
    made.take(noise(0.05))
    made.end()
    assert ledger.end == 800
    assert ledger.unanswered == 1


async def test_a_partial_frame_ends_the_session_behind_the_audio_before_it() -> None:
    made, _ = intake()
    made.take(bytes(1920))
    with pytest.raises(InvalidRequest):
        made.take_now(bytes(3))
    assert made.chain.frames_received == 480


async def test_audio_is_taken_at_once_until_something_is_to_be_waited_for() -> None:
    made, ledger = intake()
    assert made.take_now(SECOND)
    assert ledger.end
    assert all(made.take_now(SECOND) for _ in range(10))  # a pace's burst is used up by then
    assert not made.take_now(SECOND)
    assert made.frames == 11 * RATE


@pytest.mark.parametrize("why", ["closed", "full", "used up"])
async def test_audio_that_cannot_be_taken_at_once_is_not_taken(why: str) -> None:
    made, ledger = intake()
    if why == "closed":
        made.close()
    elif why == "full":
        ledger.append(b"", 10**6)
    message = SECOND if why != "used up" else bytes(4 * 1001 * RATE)
    assert not made.take_now(message)
    assert made.frames == 0
