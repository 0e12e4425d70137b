from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.audio.activity import ActivityFrame
from relay.audio.end_of_speech import VadRule
from relay.upstream.commit_policy import WINDOW_BEGINS, WINDOW_ENDS, CommitPolicy
from relay.upstream.ledger import Cause

RATE = 16_000
FRAME = 0.02
SPEECH, PAUSE = -20.0, -60.0
SCRIBES = VadRule()


def frames(*stretches: tuple[float, float, bool]) -> Iterable[ActivityFrame]:
    """Frames for stretches of (seconds, level in dBFS, whether it is speech)."""
    end = 0
    for seconds, level_dbfs, is_speech in stretches:
        for _ in range(round(seconds / FRAME)):
            end += round(FRAME * RATE)
            yield ActivityFrame(end, level_dbfs, is_speech)


def commits(policy: CommitPolicy, made: Iterable[ActivityFrame]) -> list[tuple[Cause, float]]:
    """Observe all frames and commit where the policy wants it; seconds of each commit."""
    found = []
    for frame in made:
        if (cause := policy.observe(frame)) is not None:
            policy.committed(frame.end)
            found.append((cause, round(frame.end / RATE, 2)))
    return found


def vad(*stretches: tuple[float, float, bool], rule: VadRule = SCRIBES) -> list[float]:
    policy = CommitPolicy(rate=RATE, rule=rule)
    return [at for cause, at in commits(policy, frames(*stretches)) if cause is Cause.VAD]


def manual(*stretches: tuple[float, float, bool]) -> list[tuple[Cause, float]]:
    return commits(CommitPolicy(rate=RATE, rule=None), frames(*stretches))


def test_silence_after_speech_ends_the_segment() -> None:
    assert vad((1, SPEECH, True), (3, PAUSE, False)) == [2.5]


def test_each_utterance_is_one_segment() -> None:
    utterance = ((1, SPEECH, True), (2, PAUSE, False))
    assert vad(*utterance, *utterance) == [2.5, 5.5]


def test_the_client_chooses_the_silence() -> None:
    rule = VadRule(silence=0.4)
    assert vad((1, SPEECH, True), (1, PAUSE, False), rule=rule) == [1.4]


def test_manual_leaves_pauses_alone() -> None:
    assert manual((1, SPEECH, True), (3, PAUSE, False)) == []


def test_a_pause_in_the_window_is_where_the_relay_commits() -> None:
    pause = (0.5, PAUSE, False)
    found = manual((20, SPEECH, True), pause, (6.5, SPEECH, True), pause, (3, SPEECH, True))
    assert len(found) == 1
    cause, at = found[0]
    assert cause is Cause.RELAY
    assert 27 < at <= 27.5


def test_a_lesser_dip_does_when_no_pause_comes() -> None:
    dip = (0.5, SPEECH - 12, True)
    found = manual((2, PAUSE, False), (26, SPEECH, True), dip, (3, SPEECH, True))
    assert len(found) == 1
    assert 28 < found[0][1] <= 28.5


def test_without_any_dip_the_window_ends_it() -> None:
    ((cause, at),) = manual((1, -80, False), (31, SPEECH, True))
    assert cause is Cause.RELAY
    assert WINDOW_ENDS - 0.5 < at <= WINDOW_ENDS


def test_steady_sound_is_committed_as_soon_as_the_window_opens() -> None:
    assert manual((28, PAUSE, False)) == [(Cause.RELAY, WINDOW_BEGINS)]


@pytest.mark.parametrize("rule", [None, SCRIBES])
@given(
    st.lists(
        st.tuples(st.floats(0.02, 20), st.floats(-90, 0), st.booleans()), min_size=1, max_size=20
    )
)
def test_no_segment_is_longer_than_the_window_allows(
    rule: VadRule | None, stretches: list[tuple[float, float, bool]]
) -> None:
    made = list(frames(*stretches))
    found = [at for _, at in commits(CommitPolicy(rate=RATE, rule=rule), made)]
    ends = [0.0, *found, made[-1].end / RATE]
    assert all(b - a <= WINDOW_ENDS + FRAME for a, b in pairwise(ends))
    assert found == sorted(found)


def test_a_commit_by_anyone_begins_the_next_segment() -> None:
    policy = CommitPolicy(rate=RATE, rule=SCRIBES)
    made = list(frames((1, SPEECH, True), (2, PAUSE, False)))
    for frame in made[:60]:
        assert policy.observe(frame) is None
    policy.committed(made[59].end)
    assert commits(policy, made[60:]) == []


def test_in_a_hurry_the_quietest_moment_of_five_seconds_ends_the_segment() -> None:
    policy = CommitPolicy(rate=RATE, rule=None)
    pause = (0.4, PAUSE, False)
    spoken = list(frames((1, SPEECH, True), pause, (2, SPEECH, True), pause, (8, SPEECH, True)))
    before = round(2 / FRAME)
    assert not commits(policy, spoken[:before])
    policy.hurry()
    ((cause, at),) = commits(policy, spoken[before:])
    assert cause is Cause.RELAY
    assert 3.4 < at <= 3.8


def test_in_a_hurry_five_seconds_are_the_most_and_it_is_over_then() -> None:
    policy = CommitPolicy(rate=RATE, rule=None)
    policy.hurry()
    ((_, at),) = commits(policy, frames((20.0, SPEECH, True)))
    assert at <= WINDOW_ENDS - WINDOW_BEGINS + FRAME


def test_quiet_moments_are_looked_for_late_in_a_segment_or_in_a_hurry() -> None:
    policy = CommitPolicy(rate=RATE, rule=None)
    assert policy.looks_from == WINDOW_BEGINS * RATE
    policy.committed(RATE)
    assert policy.looks_from == (1 + WINDOW_BEGINS) * RATE
    policy.hurry()
    assert policy.looks_from <= RATE
