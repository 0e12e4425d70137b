"""The recogniser itself, in this process; and its process, seen from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from relay.audio.pcm import Int16, WireFormat, to_pcm16
from relay.audio.resample import StreamResampler
from relay.scribe.messages import Word
from relay.simulator.engines import wire
from relay.simulator.engines.worker import Decoders, Listener, Recogniser
from tests.support.speech import flite
from tests.support.words import word_error_rate

pytest.importorskip("pocketsphinx", reason="there is no wheel for this Python")

RATE = 16_000
SENTENCE = "we will meet again next week to talk about the new house"


@pytest.fixture(scope="module")
def decoders() -> Decoders:
    return Decoders()


@pytest.fixture
def decoder(decoders: Decoders) -> Iterator[Any]:
    acquired = decoders.acquire()
    yield acquired
    decoders.release(acquired)


def spoken() -> Int16:
    samples, rate = flite(SENTENCE, "rms")
    assert rate == RATE
    return samples


def hear(listener: Listener, samples: Int16, *, size: int = 1600) -> None:
    for begin in range(0, len(samples), size):
        listener.hear(samples[begin : begin + size].tobytes())


def check_times(words: Sequence[Word], *, begin: float, end: float) -> None:
    """Word times rise within what was heard."""
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert all(edge is not None for edge in edges)
    assert edges == sorted(edges, key=lambda edge: edge or 0.0)
    assert begin <= (edges[0] or 0.0)
    assert (edges[-1] or 0.0) <= end + 0.05


def test_a_sentence_is_recognised_with_the_times_of_its_words(decoder: Any) -> None:
    listener = Listener(decoder, WireFormat.PCM_16000)
    samples = spoken()
    hear(listener, samples)
    text, words = listener.commit()
    assert word_error_rate(SENTENCE, text) < 0.35
    assert [word.text for word in words] == text.split()
    assert not any(mark in text for mark in "<>[]()+")
    check_times(words, begin=0.0, end=len(samples) / RATE)
    assert all(word.logprob is not None and word.logprob <= 0 for word in words)
    assert {word.type for word in words} == {"word"}


def test_partials_tell_of_the_open_segment(decoder: Any) -> None:
    listener = Listener(decoder, WireFormat.PCM_16000)
    assert listener.partial() == ""
    samples = spoken()
    hear(listener, samples[: len(samples) // 2])
    half = listener.partial()
    hear(listener, samples[len(samples) // 2 :])
    whole = listener.partial()
    assert 0 < len(half.split()) < len(whole.split())
    listener.commit()
    assert listener.partial() == ""


def test_nothing_was_said_where_nothing_was_heard(decoder: Any) -> None:
    listener = Listener(decoder, WireFormat.PCM_16000)
    listener.hear(b"")
    assert listener.commit() == ("", ())


def test_silence_has_no_words(decoder: Any) -> None:
    listener = Listener(decoder, WireFormat.PCM_16000)
    hear(listener, np.zeros(RATE, np.int16))
    assert listener.commit() == ("", ())


def test_times_count_from_the_first_sample_of_the_stream(decoder: Any) -> None:
    listener = Listener(decoder, WireFormat.PCM_16000)
    samples = spoken()
    seconds = len(samples) / RATE
    hear(listener, samples)
    listener.commit()
    hear(listener, samples)
    _, words = listener.commit()
    check_times(words, begin=seconds, end=2 * seconds)


@pytest.mark.parametrize("wire_format", [WireFormat.PCM_22050, WireFormat.PCM_48000])
def test_other_rates_are_understood_as_well(decoder: Any, wire_format: WireFormat) -> None:
    listener = Listener(decoder, wire_format)
    for _ in range(2):
        listener.hear(wire_format.pack(resampled(spoken(), RATE, wire_format.rate)))
        text, words = listener.commit()
        assert word_error_rate(SENTENCE, text) < 0.35
    seconds = len(spoken()) / RATE
    check_times(words, begin=seconds, end=2 * seconds)


def resampled(samples: Int16, rate_in: int, rate_out: int) -> Int16:
    resampler = StreamResampler(rate_in, rate_out)
    return to_pcm16(resampler.push((samples / 32_768).astype(np.float32), last=True))


def test_a_decoder_is_used_again_and_has_forgotten_who_spoke() -> None:
    decoders = Decoders()
    texts = []
    used = []
    for _ in range(2):
        decoder = decoders.acquire()
        listener = Listener(decoder, WireFormat.PCM_16000)
        hear(listener, spoken())
        texts.append(listener.commit())
        hear(listener, spoken()[:RATE])
        listener.forget()
        listener.forget()
        decoders.release(decoder)
        used.append(decoder)
    assert texts[0] == texts[1]
    assert used[0] is used[1]


def test_two_streams_have_two_decoders() -> None:
    decoders = Decoders()
    assert decoders.acquire() is not decoders.acquire()


def test_commands_are_carried_out_stream_by_stream() -> None:
    recogniser = Recogniser()
    payload = spoken().tobytes()
    for stream in (1, 2):
        assert recogniser.answer(wire.Open(stream, "pcm_16000")) is None
    assert recogniser.answer(wire.Hear(1, payload)) == wire.Heard(1, len(payload))
    partial = recogniser.answer(wire.AskPartial(1))
    assert isinstance(partial, wire.PartialText)
    assert partial.text
    assert recogniser.answer(wire.AskPartial(2)) == wire.PartialText(2, "")
    final = recogniser.answer(wire.AskFinal(1))
    assert isinstance(final, wire.FinalText)
    assert (final.stream, final.text) == (1, " ".join(word.text for word in final.words))
    assert recogniser.answer(wire.AskFinal(2)) == wire.FinalText(2, "", ())


def test_what_concerns_no_stream_is_not_answered() -> None:
    recogniser = Recogniser()
    recogniser.answer(wire.Open(1, "pcm_16000"))
    assert recogniser.answer(wire.Forget(1)) is None
    assert recogniser.answer(wire.Forget(1)) is None
    assert recogniser.answer(wire.AskFinal(1)) is None


def test_a_stream_that_fails_ends_and_the_others_go_on() -> None:
    recogniser = Recogniser()
    recogniser.answer(wire.Open(1, "pcm_16000"))
    recogniser.answer(wire.Open(2, "pcm_16000"))
    failed = recogniser.answer(wire.Hear(1, b"\0"))
    assert isinstance(failed, wire.Failed)
    assert failed.stream == 1
    assert recogniser.answer(wire.AskPartial(1)) is None
    assert recogniser.answer(wire.AskPartial(2)) == wire.PartialText(2, "")


def test_a_format_that_nobody_knows_fails() -> None:
    failed = Recogniser().answer(wire.Open(1, "mp3"))
    assert isinstance(failed, wire.Failed)
    assert "mp3" in failed.text


def process(preamble: str = "") -> "subprocess.Popen[bytes]":
    program = f"from relay.simulator.engines import worker\n{preamble}\nworker.main()"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def answers(data: bytes) -> list[wire.Answer]:
    unpacker: wire.Unpacker[wire.Answer] = wire.Unpacker(wire.Answer)  # type: ignore[arg-type]  # a union is no type to mypy
    return unpacker.push(data)


NOISE = """
def answer(self, command, original=worker.Recogniser.answer):
    print("a library's greeting", flush=True)
    return original(self, command)
worker.Recogniser.answer = answer
"""


def test_the_process_answers_until_its_input_ends() -> None:
    with process(NOISE) as running:
        commands: list[wire.Command] = [
            wire.Open(7, "pcm_16000"),
            wire.Hear(7, bytes(3200)),
            wire.AskPartial(7),
        ]
        said = b"".join(wire.pack(command) for command in commands)
        output, errors = running.communicate(said, timeout=20)
    assert answers(output) == [wire.Ready(), wire.Heard(7, 3200), wire.PartialText(7, "")]
    assert running.returncode == 0
    assert b"a library's greeting" in errors


def test_the_process_leaves_ctrl_c_to_whoever_started_it() -> None:
    with process() as running:
        assert running.stdout is not None
        ready = os.read(running.stdout.fileno(), 1000)
        assert answers(ready) == [wire.Ready()]
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(wire.pack(wire.Hear(1, b"")), timeout=20)
    assert (running.returncode, output) == (0, b"")
