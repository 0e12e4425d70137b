"""Where a recording lies in another one, piece by piece. Pure."""

from typing import Final

import numpy as np

from relay.audio.pcm import Int16

ANCHOR: Final = 24
"""Samples by which a place is known; noise doesn't repeat so many, even within the tolerance."""

MIN_PADDING: Final = 8
"""Samples of silence that are no accident, unless they are the last ones."""


def lay(
    heard: Int16, expected: Int16, *, position: int, tolerance: int
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Find the runs of `expected` that `heard` consists of.

    Padding, which is silence, belongs nowhere. What is found at `position` is looked for nowhere
    else; where it doesn't go on, the next samples are looked for everywhere.

    Args:
        heard: One recording.
        expected: The other; it repeats itself nowhere.
        position: Where `heard` should begin.
        tolerance: By how much samples may differ.

    Returns:
        The runs [from, to) in the order of `heard`, and how many samples are from nowhere.
    """
    runs: list[tuple[int, int]] = []
    at = foreign = settled = 0
    while at < len(heard):
        length = _length_of_run(heard[at:], expected[position:], tolerance)
        at_end = at + length == len(heard) or position + length == len(expected)
        if length >= ANCHOR or (length and (at_end or _silence(heard[at + length :]))):
            runs.append((position, position + length))
            at, position = at + length, position + length
            settled = at
            continue
        if silence := _silence(heard[at:]):
            at += silence
            settled = at
            continue
        found = _find(heard[at : at + ANCHOR], expected, tolerance)
        if found is None:
            step = min(ANCHOR, len(heard) - at)
            foreign += step
            at += step
            continue
        # What was passed over in steps may belong here already.
        back = _length_of_run(heard[settled:at][::-1], expected[:found][::-1], tolerance)
        foreign -= back
        at, position = at - back, found - back
    return _joined(runs), foreign


def _length_of_run(heard: Int16, expected: Int16, tolerance: int) -> int:
    length = min(len(heard), len(expected))
    differs = _differs(heard[:length], expected[:length], tolerance)
    first = int(np.argmax(differs)) if length else 0
    return first if length and differs[first] else length


def _silence(heard: Int16) -> int:
    """How many samples of padding these begin with; a zero or two are no padding."""
    sounds = heard != 0
    length = int(np.argmax(sounds)) if sounds.any() else len(heard)
    return length if length == len(heard) or length >= MIN_PADDING else 0


def _find(anchor: Int16, expected: Int16, tolerance: int) -> int | None:
    """The one place where these samples are; None where they are too few to tell."""
    last = len(expected) - len(anchor)
    if last < 0 or len(anchor) < ANCHOR:
        return None
    places = np.flatnonzero(~_differs(expected[: last + 1], anchor[:1], tolerance))
    for offset, sample in enumerate(anchor[1:], 1):
        if not len(places):
            return None
        places = places[~_differs(expected[places + offset], sample, tolerance)]
    return int(places[0]) if len(places) else None


def _differs(
    left: Int16, right: Int16 | np.int16, tolerance: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool]]":
    return np.abs(left.astype(np.int32) - np.asarray(right, np.int32)) > tolerance


def _joined(runs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Runs that touch, as one."""
    joined: list[tuple[int, int]] = []
    for begin, end in runs:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)
