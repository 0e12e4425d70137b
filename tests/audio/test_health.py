from collections.abc import Iterator

import numpy as np
import pytest

from relay.audio.health import CLIPPED_SHARE, Ailment, AudioHealth, Finding
from relay.audio.pcm import Int16
from tests.support.speech import alsa_recording, flite

RATE = 16_000
MESSAGE = 1600
"""Samples: 100 ms."""

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep."


def noise(seconds: float, dbfs: float = -30.0) -> Int16:
    random = np.random.default_rng(3)
    return random.normal(0, 32768 * 10 ** (dbfs / 20), round(seconds * RATE)).astype(np.int16)


def silence(seconds: float, offset: float = 0.0) -> Int16:
    return np.full(round(seconds * RATE), offset * 32768, np.int16)


def loud(speech: Int16, decibels: float, seconds: float = 30.0) -> Int16:
    """Speech over and over, so loud that its peak lies that far beyond full scale."""
    scaled = speech / np.abs(speech.astype(float)).max() * 10 ** (decibels / 20)
    once = (np.clip(scaled, -1, 32767 / 32768) * 32768).astype(np.int16)
    return np.resize(once, round(seconds * RATE))


class Listener:
    """Hears samples as a session does: message after message, in real time."""

    def __init__(self, message: int = MESSAGE) -> None:
        self.health = AudioHealth(RATE, rate=RATE)
        self.now = 0.0
        self._message = message

    def hear(self, samples: Int16) -> list[Ailment]:
        return [finding.ailment for finding in self.findings(samples)]

    def ailments(self) -> tuple[Ailment, ...]:
        return self.health.ailments

    def findings(self, samples: Int16) -> list[Finding]:
        return [finding for each in self._messages(samples) for finding in each]

    def _messages(self, samples: Int16) -> Iterator[list[Finding]]:
        for begin in range(0, samples.size, self._message):
            piece = samples[begin : begin + self._message]
            yield list(self.health.hear(piece, piece.size / RATE, self.now))
            self.now += piece.size / RATE


def test_good_sound_has_nothing_wrong() -> None:
    listener = Listener()
    speech, _ = flite(SENTENCE)
    assert not listener.hear(loud(speech, -1, seconds=60))
    assert not listener.ailments()


@pytest.mark.parametrize("message", [320, 480, 1600, 4000])
@pytest.mark.parametrize("samples", [silence(60), silence(60, offset=0.01), noise(60, -73)])
def test_a_microphone_that_is_silent_from_the_begin_is_told_once(
    samples: Int16, message: int
) -> None:
    listener = Listener(message)
    early = 9 * RATE
    assert not listener.hear(samples[:early])
    assert listener.hear(samples[early : 11 * RATE]) == [Ailment.SILENT]
    assert not listener.hear(samples[11 * RATE :])
    assert listener.ailments() == (Ailment.SILENT,)


def test_a_quiet_room_is_not_silent() -> None:
    assert not Listener().hear(noise(60, -65))


def test_after_sound_silence_may_last_longer_and_each_silence_is_told() -> None:
    listener = Listener()
    assert not listener.hear(np.concatenate([noise(5), silence(29)]))
    assert listener.hear(silence(2)) == [Ailment.SILENT]
    assert not listener.hear(noise(1))
    assert not listener.ailments()
    assert listener.hear(silence(31)) == [Ailment.SILENT]


def test_silence_that_is_meant_does_not_count() -> None:
    listener = Listener()
    for _ in range(5):
        assert not listener.hear(silence(9))
        listener.health.pause()


def test_another_device_may_be_silent_as_long_as_the_first() -> None:
    listener = Listener()
    listener.hear(noise(5))
    listener.health.declare(44_100)
    assert listener.hear(silence(11)) == [Ailment.SILENT]


def test_saying_the_same_rate_again_changes_nothing() -> None:
    listener = Listener()
    listener.hear(silence(11))
    listener.health.declare(RATE)
    assert listener.ailments() == (Ailment.SILENT,)


@pytest.mark.parametrize("voice", ["slt", "rms", "Front_Center"])
def test_speech_is_clipped_from_between_three_and_six_decibels(voice: str) -> None:
    recorded = voice == "Front_Center"
    speech = alsa_recording(voice)[0][::3] if recorded else flite(SENTENCE, voice)[0]
    shares = {db: np.mean(np.abs(loud(speech, db).astype(int)) >= 32767) for db in (0, 3, 6)}
    assert shares[0] < 0.0005
    assert shares[3] < CLIPPED_SHARE < shares[6]
    assert not Listener().hear(loud(speech, 0))
    assert Listener().hear(loud(speech, 9)) == [Ailment.CLIPPING]


def test_clipping_is_told_again_only_after_it_was_away_for_a_while() -> None:
    listener = Listener()
    speech, _ = flite(SENTENCE)
    assert listener.hear(loud(speech, 12)) == [Ailment.CLIPPING]
    assert not listener.hear(noise(9))
    assert not listener.hear(loud(speech, 12))
    assert listener.ailments() == (Ailment.CLIPPING,)
    assert not listener.hear(noise(21))
    assert not listener.ailments()
    assert listener.hear(loud(speech, 12)) == [Ailment.CLIPPING]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sound_that_is_off_centre_is_told(sign: int) -> None:
    listener = Listener()
    assert not listener.hear(noise(20) + silence(20, offset=sign * 0.02))
    found = listener.findings(noise(20) + silence(20, offset=sign * 0.05))
    assert [finding.ailment for finding in found] == [Ailment.OFFSET]
    assert "5%" in found[0].text
    assert listener.ailments() == (Ailment.OFFSET,)


def test_a_rate_that_is_wrong_is_told_with_the_one_that_fits() -> None:
    health = AudioHealth(48_000, rate=RATE)
    messages = ((noise(0.1), 0.1, i * 0.3) for i in range(400))
    (finding,) = [found for message in messages for found in health.hear(*message)]
    assert finding.ailment is Ailment.RATE
    assert "48000 Hz comes 0.33 times as fast" in finding.text
    assert "16000 Hz" in finding.text
    assert health.ailments == (Ailment.RATE,)


def test_a_rate_is_found_wrong_even_while_the_resampler_gives_nothing() -> None:
    health = AudioHealth(40_000, rate=RATE)
    nothing = np.empty(0, np.int16)
    found = [each for i in range(900) for each in health.hear(nothing, 0.1, i * 0.08)]
    assert [finding.ailment for finding in found] == [Ailment.RATE]
    assert "it is a recording" in found[0].text


def test_a_message_that_was_made_to_wait_is_no_wrong_rate() -> None:
    health = AudioHealth(48_000, rate=RATE)
    for i in range(1200):
        if i % 50 == 0:
            health.interrupt()
        assert not health.hear(noise(0.1), 0.1, i * 0.3)
