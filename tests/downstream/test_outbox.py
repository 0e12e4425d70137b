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


def test_what_is_held_holds_what_follows() -> None:
    outbox = Outbox(BOUND)
    outbox.put("a")
    held = outbox.put("b", is_held=True)
    outbox.put("c")
    assert drain(outbox) == ["a"]
    held.is_held = False
    assert drain(outbox) == ["b", "c"]


def test_a_client_that_comes_back_gets_what_it_lacks_and_nothing_stale() -> None:
    outbox = Outbox(BOUND)
    outbox.put("a", seq=1)
    outbox.put("b", seq=2)
    assert drain(outbox) == ["a", "b"]
    outbox.put("p", Slot.PARTIAL, seq=3)
    outbox.put("c", seq=4)
    outbox.pause()
    outbox.put("q", Slot.PARTIAL, seq=5)
    outbox.put("d", seq=6)
    assert (len(outbox), outbox.size_bytes) == (0, 0)
    outbox.restart("resumed", seq=7, after=1)
    outbox.put("e", seq=8)
    assert drain(outbox) == ["resumed", "b", "c", "d", "e"]
    assert outbox.size_bytes == 0


def test_what_is_held_stays_so_for_a_client_that_comes_back() -> None:
    outbox = Outbox(BOUND)
    held = outbox.put("a", seq=1, is_held=True)
    outbox.pause()
    outbox.restart("resumed", seq=2, after=0)
    assert drain(outbox) == ["resumed"]
    held.is_held = False
    assert drain(outbox) == ["a"]


def test_what_is_not_kept_any_more_is_known_and_can_be_put_before_the_rest() -> None:
    outbox = Outbox(BOUND, kept_bytes=2)
    for seq, text in enumerate("abc"):
        outbox.put(text, seq=seq)
    assert outbox.forgotten == 0
    outbox.restart("resumed", seq=3, after=-1, missed=["a"])
    assert drain(outbox) == ["resumed", "a", "b", "c"]


def test_one_message_is_kept_however_long() -> None:
    outbox = Outbox(BOUND, kept_bytes=2)
    outbox.put("long", seq=0)
    outbox.restart("resumed", seq=1, after=-1)
    assert drain(outbox) == ["resumed", "long"]
    assert outbox.forgotten == -1


def test_what_is_sent_again_makes_nobody_a_slow_reader() -> None:
    outbox = Outbox(10, kept_bytes=100)
    for seq in range(5):
        outbox.put("12345", seq=seq)
    said = [outbox.is_over]
    outbox.restart("resumed", seq=5, after=-1)
    outbox.put("12345", seq=6)
    said.append(outbox.is_over)
    outbox.put("123456", seq=7)
    said.append(outbox.is_over)
    assert said == [True, False, True]
    for _ in range(6):
        outbox.peek()
        outbox.pop()
    outbox.put("12345", seq=8)
    outbox.put("12345", seq=9)
    assert outbox.is_over
