from hypothesis import given
from hypothesis import strategies as st

from relay.downstream.outbox import Outbox


def drain(outbox: Outbox) -> list[str]:
    taken = []
    while (text := outbox.peek()) is not None:
        taken.append(text)
        outbox.pop()
    return taken


def test_messages_leave_in_order() -> None:
    outbox = Outbox(100)
    outbox.put("a")
    outbox.put("b")
    assert drain(outbox) == ["a", "b"]
    assert (len(outbox), outbox.size_bytes) == (0, 0)


def test_a_newer_partial_replaces_one_that_waits() -> None:
    outbox = Outbox(100)
    outbox.put("final")
    outbox.put("hel", is_partial=True)
    outbox.put("hello", is_partial=True)
    assert drain(outbox) == ["final", "hello"]


def test_a_partial_that_is_being_sent_is_not_replaced() -> None:
    outbox = Outbox(100)
    outbox.put("hel", is_partial=True)
    assert outbox.peek() == "hel"
    outbox.put("hello", is_partial=True)
    outbox.pop()
    assert drain(outbox) == ["hello"]


def test_a_partial_does_not_replace_what_stands_behind_another_message() -> None:
    outbox = Outbox(100)
    outbox.put("hel", is_partial=True)
    outbox.put("final")
    outbox.put("wor", is_partial=True)
    assert drain(outbox) == ["hel", "final", "wor"]


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


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_nothing_but_partials_is_ever_dropped(steps: list[tuple[bool, bool]]) -> None:
    outbox = Outbox(10**6)
    kept: list[str] = []
    taken: list[str] = []
    for number, (is_partial, takes) in enumerate(steps):
        outbox.put(f"{number}", is_partial=is_partial)
        if not is_partial:
            kept.append(f"{number}")
        if takes:
            text = outbox.peek()
            assert text is not None
            taken.append(text)
            outbox.pop()
    taken += drain(outbox)
    assert [text for text in taken if not steps[int(text)][0]] == kept
    assert [int(text) for text in taken] == sorted(int(text) for text in taken)
    assert outbox.size_bytes == 0
