"""What the times of a run say, where they are known beforehand."""

import base64
from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from bench import proof
from bench.load import Outflow, sentence
from bench.model import Model
from bench.report import write_into

MESSAGE_MS = 20


def client(
    *, chunks: int = 20, every: int = 5, late: float = 0.003, start: float = 10.0
) -> Outflow:
    """One whose server sends a chunk with each fifth message, so many seconds after it."""
    made = Outflow(MESSAGE_MS)
    made.times = array("d", [start + k * MESSAGE_MS / 1000 for k in range(chunks * every)])
    inflow: Any = SimpleNamespace(times=array("d"), samples=array("q"), total=0, segment=0)
    for chunk in range(chunks):
        inflow.times.append(made.times[(chunk + 1) * every - 1] + late)
        inflow.samples.append((chunk + 1) * 1600 - 160)
    inflow.total = inflow.samples[-1]
    made.inflow = inflow
    return made


def test_latency_is_counted_from_the_message_that_completed_a_chunk() -> None:
    latency = proof.measure([client(start=10.0), client(start=10.007)], MESSAGE_MS, 0, 99)
    assert latency.p50 == pytest.approx(3.0)
    assert latency.worst == pytest.approx(3.0)
    assert latency.filtering == pytest.approx(10.0)
    assert latency.collecting == pytest.approx(100.0, rel=0.01)


def test_who_is_later_than_the_next_message_is_found_by_the_others() -> None:
    latency = proof.measure([client(), client(late=0.05)], MESSAGE_MS, 0, 99)
    assert latency.worst == pytest.approx(50.0)


def test_nothing_that_arrived_is_no_latency() -> None:
    with pytest.raises(ValueError, match="nothing"):
        proof.measure([client()], MESSAGE_MS, 0, 1)


def load_of(*clients: Outflow) -> Any:
    return SimpleNamespace(clients=list(clients), message_ms=MESSAGE_MS, lateness=array("d", [0.0]))


def test_a_run_in_which_all_arrived_counts() -> None:
    assert proof.faults(load_of(client()), 0, 99) == []


def test_a_run_with_lost_samples_is_void() -> None:
    lossy = client()
    assert lossy.inflow is not None
    lossy.inflow.total -= 8000
    (fault,) = proof.faults(load_of(lossy), 0, 99)
    assert "missing" in fault


def test_a_run_whose_sessions_ended_in_order_may_lack_nothing() -> None:
    assert proof.faults(load_of(client()), 0, 99, is_flushed=True)


def test_a_run_that_fell_behind_is_void() -> None:
    (fault,) = proof.faults(load_of(client(), client(late=1.5)), 0, 99)
    assert "late" in fault


def test_what_arrives_is_like_what_was_said() -> None:
    made = client(chunks=50)
    heard = soxr.resample(sentence(), 48_000, 16_000)
    assert made.inflow is not None

    def arrives(samples: Any) -> float:
        assert made.inflow is not None
        pcm = (samples * 32767).astype("<i2").tobytes()
        made.inflow.audio = [base64.b64encode(pcm).decode()]
        return proof.likeness(made)

    assert arrives(heard) > 0.999
    assert arrives(np.roll(heard, 40_000)) < 0.9


def test_the_model_goes_through_the_shortest_and_the_longest_messages() -> None:
    model = Model.fitted({"relay 10": {"cpu_us": 1500}, "relay 100": {"cpu_us": 600}})
    assert model is not None
    assert (model.per_second, model.per_message) == pytest.approx((500, 10))
    assert model.price(50) == pytest.approx(700)
    assert Model.fitted({"floor 10": {"cpu_us": 1}}) is None
    void = {"cpu_us": 9, "void": ["the load itself was late"]}
    assert Model.fitted({"relay 10": void, "relay 100": {"cpu_us": 600}}) is None


def test_a_table_is_put_between_its_marks() -> None:
    page = "a\n<!-- bench: x -->\nold\n<!-- /bench -->\nb\n<!-- bench: y -->\n<!-- /bench -->\n"
    written = write_into(page, "x", "new")
    assert written == page.replace("\nold\n", "\n\nnew\n\n")
    with pytest.raises(ValueError, match="z"):
        write_into(page, "z", "new")
