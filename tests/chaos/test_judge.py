"""The judge finds each kind of defect, and none where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from relay.audio.pcm import Int16
from tests.chaos.judge import Evidence, Heard, Socket, Verdict, judge, offline
from tests.chaos.laying import lay
from tests.support.signals import identifiable_noise

RATE = 48_000
SPOKEN = identifiable_noise(4.0, RATE, seed=1)
EXPECTED, _ = offline(SPOKEN, RATE)
QUARTER = len(EXPECTED) // 4
PADDING = np.zeros(1600, np.int16)


def final(segment: int, begin: int, end: int, *, frame: int) -> dict[str, Any]:
    return {
        "message_type": "committed_transcript",
        "segment": segment,
        "end_sample": frame,
        "text": f"heard {end - begin} samples from {begin} to {end}",
    }


def evidence(*segments: Int16, ends: Sequence[int] = ()) -> Evidence:
    """A session of one socket that was given these segments, told of as quarters of all."""
    ends = ends or [QUARTER * 3 * (number + 1) for number in range(len(segments))]
    edges = [0, *np.cumsum([len(segment) for segment in segments]).tolist()]
    commits = list(pairwise(edges))
    finals = [
        final(number, *commit, frame=frame)
        for number, (commit, frame) in enumerate(zip(commits, ends, strict=True))
    ]
    ended = {"message_type": "session_ended", "segments": len(segments)}
    heard = [Heard(float(at), event) for at, event in enumerate([*finals, ended])]
    return Evidence([Socket(np.concatenate(segments), commits)], heard, SPOKEN, RATE)


def quarters() -> list[Int16]:
    return [EXPECTED[QUARTER * n : QUARTER * (n + 1)] for n in range(4)]


def verdict(*segments: Int16) -> Verdict:
    return judge(evidence(*segments), tolerance=0)


def test_a_faultless_session_has_no_defects() -> None:
    found = verdict(*quarters())
    assert found.defects == {}
    assert (found.finals, found.gap_ms) == (4, 1000)


def test_padding_is_no_defect_wherever_it_stands() -> None:
    first, second, third, fourth = quarters()
    third = np.concatenate([third[:500], PADDING, third[500:]])
    segments = (np.concatenate([first, PADDING]), np.concatenate([PADDING, second]), third, fourth)
    assert judge(evidence(*segments)).samples_foreign == 0
    assert judge(evidence(*segments)).defects == {}


def test_a_segment_that_never_came_is_lost() -> None:
    told = evidence(*quarters())
    found = judge(replace(told, heard=[each for n, each in enumerate(told.heard) if n != 1]))
    assert found.events_lost == 1
    assert found.samples_lost == QUARTER
    # The next one claims to begin where the one before the lost one ends.
    assert found.finals_misplaced == 1


def test_the_last_segment_is_missed_too() -> None:
    told = evidence(*quarters())
    found = judge(replace(told, heard=[*told.heard[:3], told.heard[4]]))
    assert found.defects == {"events lost": 1, "samples lost": QUARTER}


@pytest.mark.parametrize("lost", [1, 160, 3000])
def test_samples_that_were_not_sent_upstream_are_lost(lost: int) -> None:
    first, second, third, fourth = quarters()
    second = np.concatenate([second[:7000], second[7000 + lost :]])
    found = verdict(first, second, third, fourth)
    assert found.defects == {"samples lost": lost, "finals misplaced": 1}


@pytest.mark.parametrize("twice", [1, 160, 3000])
def test_samples_that_were_sent_twice_are_found(twice: int) -> None:
    first, second, third, fourth = quarters()
    second = np.concatenate([second[:7000], second[7000 - twice :]])
    found = verdict(first, second, third, fourth)
    assert found.defects == {"samples twice": twice, "finals misplaced": 1}


def test_a_stretch_that_is_told_of_as_a_gap_and_covered_too_is_twice() -> None:
    told = evidence(*quarters())
    gap = {"message_type": "audio_gap", "from_sample": 0, "to_sample": 300}
    assert judge(replace(told, heard=[Heard(0, gap), *told.heard])).samples_twice == 100


def test_an_end_beyond_what_was_said_is_found() -> None:
    ends = [QUARTER * 3, QUARTER * 6, QUARTER * 9, len(SPOKEN) + 1]
    found = judge(evidence(*quarters(), ends=ends))
    assert found.defects == {"finals misplaced": 1}


def test_a_segment_that_is_told_twice_under_two_numbers_is_samples_twice() -> None:
    first, second, third, fourth = quarters()
    ends = [QUARTER * 3 * n for n in (1, 2, 2, 3, 4)]
    found = judge(evidence(first, second, second, third, fourth, ends=ends))
    assert found.samples_twice == QUARTER


def test_an_event_that_comes_again_over_one_line_is_doubled() -> None:
    told = evidence(*quarters())
    found = judge(replace(told, heard=[*told.heard[:2], told.heard[0], *told.heard[2:]]))
    assert found.defects == {"events doubled": 1}


def test_an_event_that_comes_again_over_a_later_line_is_one_to_drop() -> None:
    told = evidence(*quarters())
    again = replace(told.heard[1], line=1)
    found = judge(replace(told, heard=[*told.heard[:2], again, *told.heard[2:]]))
    assert (found.defects, found.events_repeated) == ({}, 1)


def test_a_segment_that_comes_again_with_other_words_is_doubled() -> None:
    told = evidence(*quarters())
    other = Heard(1, {**told.heard[1].event, "text": "something else"}, line=1)
    found = judge(replace(told, heard=[*told.heard[:2], other, *told.heard[2:]]))
    assert found.defects == {"events doubled": 1}


def test_events_out_of_order_are_found() -> None:
    told = evidence(*quarters())
    a, b, c, d, end = told.heard
    assert judge(replace(told, heard=[a, c, b, d, end])).defects == {"events disordered": 1}


def test_segments_that_are_shifted_by_one_sample_are_found() -> None:
    edges = [0, QUARTER + 1, 2 * QUARTER + 1, 3 * QUARTER + 1, len(EXPECTED)]
    shifted = [EXPECTED[a:b] for a, b in pairwise(edges)]
    assert verdict(*shifted).defects == {"finals misplaced": 4}


def test_a_resampler_that_starts_off_the_grid_is_found() -> None:
    off, _ = offline(SPOKEN[QUARTER * 3 + 1 :], RATE)
    first, *_ = quarters()
    found = judge(evidence(first, off, ends=[QUARTER * 3, len(SPOKEN)]))
    assert found.samples_lost > 2 * QUARTER
    assert found.samples_foreign > 2 * QUARTER


def test_a_step_is_a_defect_unless_there_was_a_seam() -> None:
    first, second, third, fourth = quarters()
    near = np.where(np.arange(len(second)) % 50, second, second + 1).astype(np.int16)
    told = evidence(first, near, third, fourth)
    assert judge(told, tolerance=1).defects == {}
    assert judge(told, tolerance=0).samples_lost > 0


def test_a_gap_that_is_told_of_is_no_loss_but_counted() -> None:
    told = evidence(*quarters())
    gap = {"message_type": "audio_gap", "from_sample": 3 * QUARTER, "to_sample": 6 * QUARTER}
    heard = [told.heard[0], Heard(0.5, gap), *told.heard[2:]]
    found = judge(replace(told, heard=heard))
    assert found.defects == {"gaps": 1, "events lost": 1}


def test_the_right_one_of_two_sockets_with_the_same_report_is_taken() -> None:
    told = evidence(*quarters())
    (good,) = told.sockets
    bad = Socket(np.ones_like(good.audio), good.commits)
    assert judge(replace(told, sockets=[bad, good, bad])).defects == {}


def test_a_final_of_nothing_leaves_its_audio_lost() -> None:
    told = evidence(*quarters())
    silent = {**told.heard[3].event, "text": ""}
    found = judge(replace(told, heard=[*told.heard[:3], Heard(3, silent), told.heard[4]]))
    assert found.defects == {"samples lost": QUARTER, "finals misplaced": 1}


def test_timed_finals_are_missed_and_their_times_are_checked() -> None:
    told = evidence(*quarters())
    timed = [
        {
            **each.event,
            "message_type": "committed_transcript_with_timestamps",
            "words": [{"start": n + 0.0, "end": n + 0.5}, {"start": n + 0.5, "end": n + 1.0}],
        }
        for n, each in enumerate(told.heard[:4])
    ]
    heard = [*told.heard, *(Heard(9, event) for event in timed)]
    assert judge(replace(told, heard=heard)).defects == {}
    assert judge(replace(told, heard=heard[:-1])).defects == {"events lost": 1}
    wrong = Heard(9, {**timed[3], "words": timed[2]["words"]})
    assert judge(replace(told, heard=[*heard[:-1], wrong])).defects == {"times wrong": 1}


def test_the_gap_is_the_longest_silence_or_time_without_a_session() -> None:
    told = evidence(*quarters())
    assert judge(replace(told, reconnects=[(1.0, 3.5)])).gap_ms == 2500


def test_a_session_without_an_end_is_a_defect() -> None:
    told = replace(evidence(*quarters()), has_ended=False)
    assert judge(told).defects == {"sessions without an end": 1}


def test_foreign_samples_are_counted_to_the_last() -> None:
    foreign = np.full(100, 7, np.int16)
    heard = np.concatenate([EXPECTED[:1000], foreign, EXPECTED[1000:2000]])
    assert lay(heard, EXPECTED, position=0, tolerance=0) == (((0, 2000),), 100)
