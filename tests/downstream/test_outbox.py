from hypothesis import given
from hypothesis import strategies as st

from relay.downstream.outbox import Outbox, Slot

BOUND = 1000


def drain(outbox: Outbox) -> list[str]:
    found = []
    while (text := outbox.peek()) is not None:
        found.append(text)
        outbox.pop()
    return found


def test_messages_come_out_in_order() -> None:
    outbox = Outbox(BOUND)
    outbox.put("a")
    outbox.put("b")
    assert len(outbox) == 2
    assert drain(outbox) == ["a", "b"]
    assert outbox.size_bytes == 0


def test_a_newer_partial_replaces_an_older_one_whatever_stands_between() -> None:
    outbox = Outbox(BOUND)
    outbox.put("p1", Slot.PARTIAL)
    outbox.put("ack 1", Slot.ACKNOWLEDGEMENT)
    outbox.put("p2", Slot.PARTIAL)
    outbox.put("ack 2", Slot.ACKNOWLEDGEMENT)
    assert len(outbox) == 2
    assert drain(outbox) == ["p2", "ack 2"]


def test_a_partial_that_is_dropped_leaves_nothing_behind() -> None:
    outbox = Outbox(BOUND)
    outbox.put("stale", Slot.PARTIAL)
    outbox.drop(Slot.PARTIAL)
    outbox.drop(Slot.PARTIAL)
    outbox.put("final")
    assert outbox.size_bytes == len("final")
    assert drain(outbox) == ["final"]


def test_what_is_being_sent_is_not_replaced() -> None:
    outbox = Outbox(BOUND)
    outbox.put("p1", Slot.PARTIAL)
    assert outbox.peek() == "p1"
    outbox.put("p2", Slot.PARTIAL)
    assert outbox.peek() == "p1"
    assert drain(outbox) == ["p1", "p2"]
    assert outbox.size_bytes == 0


def test_the_bound_counts_bytes_and_not_characters() -> None:
    outbox = Outbox(3)
    outbox.put("é")
    outbox.put("a")
    assert not outbox.is_over
    outbox.put("b")
    assert outbox.is_over


def test_a_message_longer_than_the_bound_is_no_fault_of_the_reader() -> None:
    outbox = Outbox(3)
    outbox.put("long message")
    assert not outbox.is_over
    outbox.put("a")
    assert outbox.is_over


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([None, *Slot])), max_size=40))
def test_only_what_something_newer_replaces_is_ever_dropped(
    steps: list[tuple[bool, Slot | None]],
) -> None:
    outbox = Outbox(10**6)
    put: list[tuple[str, Slot | None]] = []
    seen: list[str] = []
    for number, (is_put, slot) in enumerate(steps):
        if is_put:
            put.append((f"{number}", slot))
            outbox.put(f"{number}", slot)
        elif (text := outbox.peek()) is not None:
            seen.append(text)
            outbox.pop()
    seen += drain(outbox)
    assert seen == sorted(seen, key=int)
    assert [text for text, slot in put if slot is None and text not in seen] == []
    for slot in Slot:
        of_slot = [text for text, other in put if other is slot]
        assert of_slot[-1:] == [text for text in seen if text in of_slot][-1:]
    assert outbox.size_bytes == 0
