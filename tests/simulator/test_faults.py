import json
import math

import pytest

from relay.scribe.errors import ErrorType
from relay.simulator.faults import (
    FINALS,
    HANDSHAKE,
    MOMENTARY,
    Fault,
    FaultKind,
    FaultPlan,
    FaultQueue,
    FinalFault,
    InvalidFault,
)

DROP = Fault(FaultKind.DROP)


def due(
    plan: FaultPlan, *, samples: int = 0, commits: int = 0, finals: int = 0, elapsed: float = 0.0
) -> list[Fault]:
    return plan.take_due(samples=samples, commits=commits, finals=finals, elapsed=elapsed)


def test_a_fault_reads_from_a_query_parameter() -> None:
    assert Fault.from_text("drop") == DROP
    assert Fault.from_text("error,error_type=queue_overflow,after_ms=500,closes=false") == Fault(
        FaultKind.ERROR, error_type=ErrorType.QUEUE_OVERFLOW, after_ms=500, closes=False
    )
    assert Fault.from_text("slow_reading,speed=0.5,count=null").count is None


def test_a_fault_reads_from_json() -> None:
    text = json.dumps({"kind": "close", "code": 1012, "reason": "restart", "skip": 1})
    assert Fault.from_json(text) == Fault(FaultKind.CLOSE, code=1012, reason="restart", skip=1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("explode", "Invalid enum value 'explode'"),
        ("drop,after_samples", "`after_samples` is not of the form name=value"),
        ("drop,after_samples=soon", "Expected `int | null`"),
        ("drop,colour=red", "colour"),
        ("error", "`error_type` belongs to kind `error`, which needs it"),
        ("drop,error_type=error", "`error_type` belongs to kind `error`"),
        ("error,error_type=sorry", "Invalid enum value 'sorry'"),
        ("reset_handshake,after_samples=1", "`after_samples` is no condition of kind"),
        ("reverse_finals,after_ms=1", "`after_ms` is no condition of kind"),
        ("delay_start,after_commits=1", "`after_commits` is no condition of kind"),
        ("slow_reading,speed=0", "`speed` must be above 0"),
        ("slow_reading,speed=nan", "`speed` must be above 0"),
        ("refuse_handshake,status=399", "`status` must be 400 to 599"),
        ("refuse_handshake,status=600", "`status` must be 400 to 599"),
        ("close,code=999", "`code` must be 1000 to 4999"),
        ("close,code=5000", "`code` must be 1000 to 4999"),
        ("close,reason=" + "é" * 62, "`reason` must have at most 123 bytes"),
        ("drop,after_samples=-1", "`after_samples` must not be negative"),
        ("drop,count=-1", "`count` must not be negative"),
        ("stall,for_ms=-1", "`for_ms` must not be negative"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidFault) as refusal:
        Fault.from_text(text)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"kind":"error"}', b'{"kind":1}'])
def test_json_that_is_no_fault_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFault):
        Fault.from_json(data)


def test_only_faults_of_a_moment_or_of_finals_have_conditions() -> None:
    assert Fault(FaultKind.OMIT_FINALS, after_commits=1).is_unconditional is False
    for kind in FaultKind:
        if kind not in MOMENTARY | FINALS:
            with pytest.raises(InvalidFault):
                Fault(kind, after_commits=0)


def test_the_longest_reason_that_a_close_frame_holds() -> None:
    assert Fault(FaultKind.CLOSE, reason="x" * 123).reason == "x" * 123


def test_a_plan_without_faults_does_nothing() -> None:
    plan = FaultPlan()
    assert plan.handshake is None
    assert plan.start_delay == 0
    assert plan.speed is None
    assert plan.take_at_open() == []
    assert due(plan, samples=10**9) == []
    assert plan.next_moment(0.0) is None
    assert plan.of_final(0) == FinalFault()


@pytest.mark.parametrize("kind", sorted(HANDSHAKE))
def test_a_fault_of_the_handshake(kind: FaultKind) -> None:
    fault = Fault(kind)
    assert FaultPlan([DROP, fault]).handshake == fault


def test_delays_of_the_start_add_up() -> None:
    plan = FaultPlan([Fault(FaultKind.DELAY_START, delay_ms=200), Fault(FaultKind.DELAY_START)])
    assert plan.start_delay == pytest.approx(1.2)


def test_the_slowest_reading_counts() -> None:
    plan = FaultPlan([Fault(FaultKind.SLOW_READING, speed=speed) for speed in (2.0, 0.5, 1.0)])
    assert plan.speed == 0.5


def test_a_momentary_fault_without_a_condition_comes_at_open_and_once() -> None:
    plan = FaultPlan([DROP, Fault(FaultKind.STALL, after_ms=0), Fault(FaultKind.DELAY_START)])
    assert plan.take_at_open() == [DROP]
    assert plan.take_at_open() == []


@pytest.mark.parametrize(
    ("condition", "before", "reached"),
    [
        ("after_samples", {"samples": 4}, {"samples": 5}),
        ("after_commits", {"commits": 4}, {"commits": 5}),
        ("after_finals", {"finals": 4}, {"finals": 5}),
        ("after_ms", {"elapsed": 0.0049}, {"elapsed": 0.005}),
    ],
)
def test_a_condition_is_met_when_so_much_has_come(
    condition: str, before: dict[str, int], reached: dict[str, int]
) -> None:
    fault = Fault.from_text(f"drop,{condition}=5")
    plan = FaultPlan([fault])
    assert plan.take_at_open() == []
    assert due(plan, **before) == []
    assert due(plan, **reached) == [fault]
    assert due(plan, **reached) == []


def test_all_conditions_must_be_met() -> None:
    fault = Fault(FaultKind.DROP, after_samples=10, after_commits=1)
    plan = FaultPlan([fault])
    assert due(plan, samples=10) == []
    assert due(plan, commits=1) == []
    assert due(plan, samples=10, commits=1) == [fault]


def test_the_next_moment_is_the_earliest_that_is_still_to_come() -> None:
    plan = FaultPlan([Fault(FaultKind.STALL, after_ms=ms) for ms in (3000, 1000, 2000)] + [DROP])
    assert plan.next_moment(0.0) == 1.0
    assert plan.next_moment(1.0) == 2.0
    due(plan, elapsed=3.0)
    assert plan.next_moment(0.0) is None


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        (Fault(FaultKind.DELAY_FINALS, delay_ms=300), FinalFault(delay=0.3)),
        (Fault(FaultKind.REVERSE_FINALS), FinalFault(is_reversed=True)),
        (Fault(FaultKind.OMIT_TIMED), FinalFault(without_timed=True)),
        (Fault(FaultKind.OMIT_FINALS), FinalFault(is_omitted=True)),
    ],
)
def test_faults_of_finals(fault: Fault, wrong: FinalFault) -> None:
    plan = FaultPlan([fault])
    assert [plan.of_final(index) for index in range(3)] == [wrong] * 3


def test_faults_of_finals_add_up() -> None:
    plan = FaultPlan([Fault(FaultKind.DELAY_FINALS), Fault(FaultKind.REVERSE_FINALS)])
    assert plan.of_final(0) == FinalFault(delay=1.0, is_reversed=True)


def test_faults_of_finals_concern_the_commits_they_name() -> None:
    plan = FaultPlan([Fault(FaultKind.OMIT_FINALS, after_commits=1, commits=2)])
    assert [plan.of_final(index).is_omitted for index in range(4)] == [False, True, True, False]


def test_a_fault_waits_for_one_connection() -> None:
    queue = FaultQueue([DROP])
    assert queue.take() == [DROP]
    assert queue.take() == []


def test_a_fault_can_let_connections_pass_and_then_concern_several() -> None:
    queue = FaultQueue()
    queue.add(Fault(FaultKind.DROP, skip=1, count=2))
    assert [len(queue.take()) for _ in range(5)] == [0, 1, 1, 0, 0]


def test_a_fault_can_concern_all_connections_or_none() -> None:
    queue = FaultQueue([Fault(FaultKind.DROP, count=None), Fault(FaultKind.STALL, count=0)])
    assert [[fault.kind for fault in queue.take()] for _ in range(3)] == [["drop"]] * 3


def test_what_waits_can_be_looked_at_and_cleared() -> None:
    queue = FaultQueue([Fault(FaultKind.DROP, skip=2)])
    queue.take()
    assert queue.waiting == (Fault(FaultKind.DROP, skip=1),)
    queue.clear()
    assert not queue.waiting


def test_reading_may_be_as_fast_as_it_can() -> None:
    assert Fault.from_text("slow_reading,speed=inf").speed == math.inf
