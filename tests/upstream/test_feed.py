import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.pcm import Int16, WireFormat
from relay.scribe.parameters import CommitStrategy, Parameters
from relay.upstream.feed import Feed
from relay.upstream.ledger import Cause, Entry, Ledger
from tests.support.speech import flite

RATE = 16_000


def feed(ledger: Ledger) -> Feed:
    return Feed.build(ledger, Parameters(), wire_format=WireFormat.PCM_16000, chunk_ms=100)


def entries(ledger: Ledger) -> list[Entry]:
    """Everything in the ledger, sent."""
    found = []
    while (entry := ledger.peek()) is not None:
        found.append(entry)
        ledger.advance()
    return found


def ramp(samples: int, start: int = 0) -> Int16:
    """Samples that say where they lie."""
    return ((np.arange(start, start + samples) % 65_536) - 32_768).astype(np.int16)


def test_audio_is_collected_into_chunks() -> None:
    ledger = Ledger(bound=10**6)
    made = feed(ledger)
    for start in range(0, 4000, 500):
        made.push(ramp(500, start))
    assert [(entry.start, entry.samples) for entry in entries(ledger)] == [(0, 1600), (1600, 1600)]
    assert made.uncommitted == 4000
    assert made.pending == 800


def test_a_commit_ends_the_chunk_after_the_last_sample() -> None:
    ledger = Ledger(bound=10**6)
    made = feed(ledger)
    made.push(ramp(2000))
    made.commit(Cause.CLIENT)
    last = entries(ledger)[-1]
    assert (last.start, last.samples) == (1600, 400)
    assert last.commit is not None
    assert (last.commit.position, last.commit.cause) == (2000, Cause.CLIENT)
    assert made.uncommitted == 0


def test_a_commit_has_the_same_position_here_and_in_a_ledger_that_another_worker_began() -> None:
    ledger = Ledger(bound=10**6, start=50_000)
    made = feed(ledger)
    made.push(ramp(2000))
    made.commit(Cause.CLIENT)
    commit = entries(ledger)[-1].commit
    assert commit is not None
    assert made.committed == commit.position == 52_000


def test_two_commits_in_a_row_are_two_commits() -> None:
    ledger = Ledger(bound=10**6)
    made = feed(ledger)
    made.commit(Cause.CLIENT)
    made.commit(Cause.CLIENT)
    assert [entry.samples for entry in entries(ledger)] == [0, 0]
    assert ledger.unanswered == 2


def test_what_waits_for_a_full_chunk_can_be_sent_early() -> None:
    ledger = Ledger(bound=10**6)
    made = feed(ledger)
    made.push(ramp(100))
    made.flush()
    made.flush()
    assert [entry.samples for entry in entries(ledger)] == [100]


def test_a_pause_after_speech_ends_the_segment_where_the_client_asked_for_it() -> None:
    samples, rate = flite("The quick brown fox jumps over the lazy dog.", "rms")
    assert rate == RATE
    said = np.concatenate([samples, np.zeros(3 * RATE, np.int16)])
    for strategy, causes in ((CommitStrategy.VAD, [Cause.VAD]), (CommitStrategy.MANUAL, [])):
        ledger = Ledger(bound=10**7)
        parameters = Parameters(commit_strategy=strategy)
        made = Feed.build(ledger, parameters, wire_format=WireFormat.PCM_16000, chunk_ms=100)
        made.push(said)
        assert [entry.commit.cause for entry in entries(ledger) if entry.commit] == causes


def test_the_relay_commits_where_the_policy_says_within_one_push() -> None:
    ledger = Ledger(bound=10**7)
    made = feed(ledger)
    made.push(np.zeros(70 * RATE, np.int16))
    commits = [entry.commit for entry in entries(ledger) if entry.commit is not None]
    assert [(commit.position, commit.cause) for commit in commits] == [
        (25 * RATE, Cause.RELAY),
        (50 * RATE, Cause.RELAY),
    ]
    assert made.uncommitted == 20 * RATE


@given(
    st.lists(st.integers(0, 5000), max_size=20),
    st.sets(st.integers(0, 20)),
)
def test_every_sample_goes_up_once_and_in_order(lengths: list[int], commits: set[int]) -> None:
    ledger = Ledger(bound=10**7)
    made = feed(ledger)
    position = 0
    expected = []
    for index, length in enumerate(lengths):
        made.push(ramp(length, position))
        position += length
        if index in commits:
            made.commit(Cause.CLIENT)
            expected.append(position)
    made.flush()
    found = entries(ledger)
    assert b"".join(entry.payload for entry in found) == ramp(position).astype("<i2").tobytes()
    assert [entry.commit.position for entry in found if entry.commit] == expected


def test_in_a_hurry_the_segment_ends_soon() -> None:
    ledger = Ledger(bound=10**6)
    made = feed(ledger)
    made.push(ramp(RATE))
    made.hurry()
    made.push(np.zeros(6 * RATE, np.int16))
    assert RATE < made.committed <= 6 * RATE + RATE // 10
    assert [entry.commit.cause for entry in entries(ledger) if entry.commit] == [Cause.RELAY]


def listening(ledger: Ledger, quiet: float = 5.0) -> Feed:
    return Feed.build(
        ledger,
        Parameters(commit_strategy=CommitStrategy.VAD),
        wire_format=WireFormat.PCM_16000,
        chunk_ms=100,
        quiet=quiet,
    )


def silence(seconds: float) -> Int16:
    return np.zeros(round(seconds * RATE), np.int16)


def test_nothing_is_sent_after_a_long_time_without_speech() -> None:
    ledger = Ledger(bound=10**7)
    made = listening(ledger)
    made.push(silence(60))
    found = entries(ledger)
    assert sum(entry.samples for entry in found) == 5 * RATE
    assert [entry.commit.cause for entry in found if entry.commit] == [Cause.RELAY]
    assert made.uncommitted == 0
    ledger.answer()
    made.end()
    assert (ledger.covered, ledger.samples) == (60 * RATE, 0)


def test_speech_after_silence_goes_up_with_a_second_from_before_it() -> None:
    ledger = Ledger(bound=10**7)
    made = listening(ledger)
    said, _ = flite("the train to the city leaves at nine in the morning")
    for start in range(0, 20 * RATE, 800):
        made.push(silence(20)[start : start + 800])
    entries(ledger)
    made.push(said)
    made.push(silence(3))
    found = entries(ledger)
    assert found[0].start <= 20 * RATE - 0.8 * RATE
    assert found[0].start >= 20 * RATE - 1.2 * RATE
    whole = b"".join(entry.payload for entry in found)
    assert said.tobytes() in whole
    assert [entry.commit.cause for entry in found if entry.commit] == [Cause.VAD]


def test_a_commit_of_the_clients_ends_the_quiet() -> None:
    ledger = Ledger(bound=10**7)
    made = listening(ledger)
    made.push(silence(20))
    entries(ledger)
    made.commit(Cause.CLIENT)
    found = entries(ledger)
    assert RATE <= sum(entry.samples for entry in found) <= 1.1 * RATE
    assert found[-1].commit is not None
    assert found[-1].commit.position == 20 * RATE


def test_without_voice_activity_nobody_can_tell_what_is_quiet() -> None:
    ledger = Ledger(bound=10**7)
    made = Feed.build(
        ledger, Parameters(), wire_format=WireFormat.PCM_16000, chunk_ms=100, quiet=5.0
    )
    made.push(silence(20))
    made.flush()
    assert sum(entry.samples for entry in entries(ledger)) == 20 * RATE


def test_silence_right_behind_a_commit_is_withheld_without_another_one() -> None:
    ledger = Ledger(bound=10**7)
    # Of a rate for which the detector resamples, frames are reported after they were taken in.
    made = Feed.build(
        ledger,
        Parameters(commit_strategy=CommitStrategy.VAD),
        wire_format=WireFormat.PCM_22050,
        chunk_ms=100,
        quiet=2.0,
    )
    commits = 0
    while not ledger.is_withholding:
        made.push(np.zeros(100, np.int16))
        if not ledger.is_withholding:
            made.commit(Cause.CLIENT)
            commits += 1
    causes = [entry.commit.cause for entry in entries(ledger) if entry.commit]
    assert causes == [Cause.CLIENT] * commits


def test_the_last_segment_ends_with_the_client() -> None:
    ledger = Ledger(bound=10**7)
    made = feed(ledger)
    made.push(ramp(800))
    made.end()
    made.end()
    assert [entry.commit.cause for entry in entries(ledger) if entry.commit] == [Cause.CLIENT]


def test_a_session_that_began_elsewhere_ends_its_segments_like_any_other() -> None:
    ledger = Ledger(bound=10**8, start=600 * RATE)
    made = listening(ledger)
    made.push(silence(20))
    made.commit(Cause.CLIENT)  # which ends the quiet
    assert 0 <= made.uncommitted <= RATE
    said, _ = flite("the train to the city leaves at nine in the morning")
    for _ in range(15):
        made.push(said)
    causes = [entry.commit.cause for entry in entries(ledger) if entry.commit]
    assert made.uncommitted < 31 * RATE
    assert len(causes) > 1


def told_by_itself(samples: Int16, cut: int, *, from_position: int = 0) -> list[int]:
    """Where the relay ends segments of `samples` by itself, pushed in pieces of `cut`."""
    ledger = Ledger(bound=10**8)
    made = feed(ledger)
    if from_position:
        made.push(samples[:from_position])
        made.commit(Cause.CLIENT)
    for start in range(from_position, len(samples), cut):
        made.push(samples[start : start + cut])
    markers = [entry.commit for entry in entries(ledger)]
    return [each.position for each in markers if each and each.cause is Cause.RELAY]


def test_levels_that_are_found_late_end_a_segment_where_they_would_have() -> None:
    """A pause of 0.3 s at 27 s is where it ends, whatever was heard before, and however it came."""
    random = np.random.default_rng(2)
    samples = (random.standard_normal(29 * RATE) * 3000).astype(np.int16)
    samples[:RATE] //= 10  # or any moment would be quiet enough
    samples[27 * RATE : 27 * RATE + RATE // 3] //= 50
    (position,) = told_by_itself(samples, 320)
    assert 27 * RATE < position <= 27 * RATE + RATE // 3
    assert told_by_itself(samples, 1600) == [position]
    assert told_by_itself(samples, 29 * RATE) == [position]
    (later,) = told_by_itself(samples, 333, from_position=RATE // 2)
    assert 27 * RATE < later <= 27 * RATE + RATE // 3
    assert told_by_itself(samples, 1600, from_position=RATE // 2) == [later]


def test_a_segment_that_is_to_end_soon_ends_within_five_seconds() -> None:
    ledger = Ledger(bound=10**8)
    made = feed(ledger)
    made.push(ramp(3 * RATE))
    made.hurry()
    made.push(ramp(6 * RATE))
    (marker,) = [entry.commit for entry in entries(ledger) if entry.commit]
    assert 3 * RATE < marker.position <= 8 * RATE
    assert marker.cause is Cause.RELAY
