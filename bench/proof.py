"""What the times and counts of a run say: added latency, delay beside it, and whether it counts.

A server is a black box here. Which of a client's messages completed a chunk isn't said by anybody,
but it depends on counts alone, and they are the same for all sessions of a run: of everything that
any session had been sent when its n-th chunk arrived, the least is what the n-th chunk needed.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from bench.load import RATE, Load, Outflow, sentence

OUT: Final = 16_000
"""Rate at the provider, in Hz."""

MOST_HELD: Final = 0.25
"""Seconds of audio that a server may hold back for good: a filter's, and an incomplete chunk."""

SHORTEST_SEGMENT: Final = 4_800
"""Samples in a segment that a relay has filled up: 0.3 s."""

TOO_LATE: Final = 1.0
"""Seconds after what completed it at which a chunk hasn't arrived at the pace it was sent."""

LEAST_LIKENESS: Final = 0.99
"""Correlation of what arrived with what was said."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Latency:
    """In milliseconds."""

    p50: float
    p99: float
    worst: float
    filtering: float
    """Mean age of a chunk's last sample when the message that completed the chunk was sent: what
    filters hold back, and what waits for the rest of a client's message."""
    collecting: float
    """Mean length of a chunk: how much older its first sample is than its last."""


def measure(clients: Sequence[Outflow], message_ms: int, begin: float, end: float) -> Latency:
    """The latency of what arrived between two times.

    Raises:
        ValueError: If nothing did.
    """
    needed = _needed(clients)
    added, ages, lengths = [], [], []
    for client in clients:
        assert client.inflow is not None
        sent, came = np.array(client.times), np.array(client.inflow.times)
        totals = np.array(client.inflow.samples)[: came.size]
        within = (came >= begin) & (came < end)
        messages = needed[: came.size][within]
        added.append(came[within] - sent[messages])
        ages.append((messages + 1) * message_ms / 1000 - totals[within] / OUT)
        lengths.append(np.diff(totals, prepend=0)[within] / OUT)
    all_added = 1000 * np.concatenate(added)
    if not all_added.size:
        raise ValueError("nothing arrived")
    return Latency(
        p50=float(np.quantile(all_added, 0.5)),
        p99=float(np.quantile(all_added, 0.99)),
        worst=float(all_added.max()),
        filtering=1000 * float(np.concatenate(ages).mean()),
        collecting=1000 * float(np.concatenate(lengths).mean()),
    )


def _needed(clients: Sequence[Outflow]) -> npt.NDArray[np.int64]:
    """For each of a session's chunks, the index of the message that completed it."""
    inflows = [each.inflow for each in clients if each.inflow is not None]
    needed = np.full(max(len(each.times) for each in inflows), np.iinfo(np.int64).max)
    for client, inflow in zip(clients, inflows, strict=True):
        known = np.searchsorted(np.array(client.times), np.array(inflow.times)) - 1
        needed[: known.size] = np.minimum(needed[: known.size], known)
    # Later chunks need no earlier messages.
    return np.minimum.accumulate(needed[::-1])[::-1]


def faults(load: Load, begin: float, end: float, *, is_flushed: bool = False) -> list[str]:
    """Why a run doesn't count, asked when all that was sent has had time to arrive.

    Args:
        load: Of the run.
        begin: Of what was measured.
        end: Likewise.
        is_flushed: Whether the sessions have ended in order, so that nothing may be held back.
    """
    found = []
    most = 0 if is_flushed else round(MOST_HELD * OUT)
    missing = [_missing(each) for each in load.clients]
    if not all(0 <= each <= most for each in missing):
        found.append(f"from {min(missing)} to {max(missing)} samples of a session are missing")
    worst = measure(load.clients, load.message_ms, begin, end).worst
    if worst > 1000 * TOO_LATE:
        found.append(f"a chunk came {worst / 1000:.1f} s late")
    lateness = np.array(load.lateness)
    if np.quantile(lateness, 0.99) > max(0.02, load.message_ms / 1000):
        found.append("the load itself was late")
    return found


def _missing(client: Outflow) -> int:
    inflow = client.inflow
    assert inflow is not None
    missing = round(client.frames * OUT / RATE) - inflow.total
    # A segment that would be too short for Scribe is filled up with silence.
    is_padded = missing < 0 and inflow.segment == SHORTEST_SEGMENT
    return 0 if is_padded else missing


def likeness(client: Outflow) -> float:
    """Correlation of what arrived of a session with what was said, its delay taken out.

    The session's inflow has to have kept its audio from the start.
    """
    assert client.inflow is not None
    assert client.inflow.audio is not None
    payload = b"".join(map(base64.b64decode, client.inflow.audio))
    heard = np.frombuffer(payload, "<i2").astype(np.float64)
    repeats = -(-client.frames // sentence().size)
    said = soxr.resample(np.tile(sentence(), repeats)[: client.frames], RATE, OUT)
    size = min(heard.size, said.size)
    spectra = [np.fft.rfft(each[:size], 2 * size) for each in (heard, said)]
    correlation = np.fft.irfft(spectra[0] * spectra[1].conj())
    return float(correlation.max() / np.linalg.norm(heard[:size]) / np.linalg.norm(said[:size]))
