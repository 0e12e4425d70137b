from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.scribe.messages import Word
from relay.simulator.engines import wire

COMMANDS: list[wire.Command] = [
    wire.Open(1, "ulaw_8000"),
    wire.Hear(1, bytes(range(256))),
    wire.Hear(1, b""),
    wire.AskPartial(1),
    wire.AskFinal(2**40),
    wire.Forget(1),
]
ANSWERS: list[wire.Answer] = [
    wire.Ready(),
    wire.Heard(1, 256),
    wire.PartialText(1, "hél"),
    wire.FinalText(1, "hello", (Word("hello", 0.1, 0.5, logprob=-0.2),)),
    wire.Failed(1, "no model"),
]


def commands() -> wire.Unpacker[wire.Command]:
    return wire.Unpacker(wire.Command)  # type: ignore[arg-type]  # a union is no type to mypy


def answers() -> wire.Unpacker[wire.Answer]:
    return wire.Unpacker(wire.Answer)  # type: ignore[arg-type]  # a union is no type to mypy


def test_every_message_has_an_example_here() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(wire.Command))
    assert {type(answer) for answer in ANSWERS} == set(get_args(wire.Answer))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_arrives_as_it_was_said(command: wire.Command) -> None:
    assert commands().push(wire.pack(command)) == [command]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_arrives_as_it_was_said(answer: wire.Answer) -> None:
    assert answers().push(wire.pack(answer)) == [answer]


@given(st.lists(st.sampled_from(ANSWERS)), st.integers(1, 50))
def test_messages_may_be_cut_anywhere(said: list[wire.Answer], size: int) -> None:
    data = b"".join(wire.pack(answer) for answer in said)
    unpacker = answers()
    heard = []
    for begin in range(0, len(data), size):
        heard += unpacker.push(data[begin : begin + size])
    assert heard == said
