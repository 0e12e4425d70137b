"""Measure the audio chain and the voice activity detector; print both as Markdown tables.

Run `python -m bench.audio`; it needs flite. The tests hold the same figures to their bounds, and
`docs/topics/audio.md` shows them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import webrtcvad

from relay.audio.activity import FRAMES_PER_SECOND, ActivityDetector
from relay.audio.chain import AudioChain
from relay.audio.end_of_speech import EndOfSpeech, VadRule
from relay.audio.health import AudioHealth
from relay.audio.pcm import PCM16_SCALE, Encoding, Float32, Int16
from relay.audio.resample import Quality, StreamResampler
from tests.support import signals
from tests.support.signals import NOISE_RATE, Noise
from tests.support.speech import VOICES, flite

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
"""Input rates that devices really have, in Hz."""

EDGE = 0.25
"""Left out at both ends of a measured tone: there the filter sees the tone begin and end."""

MESSAGES = (0.02, 0.05, 0.1)
"""Lengths of the messages whose cost is measured."""

SNRS_DB = (30, 20, 10, 5)

SPEECH_DBFS = -26.0
"""RMS level of an utterance. Source: ITU-T P.56's nominal level for speech."""

LEAD = 1.0
"""Noise before an utterance."""

TAIL = 2.5
"""Noise after an utterance, in which the commit must come."""

UTTERANCES = (
    "Please book a table for two at seven this evening.",
    "The train to the airport leaves from platform nine.",
    "I would like to change the address on my account.",
    "Could you tell me how long the repair will take?",
    "Yes.",
    "Turn left after the bridge, then follow the river for about a mile.",
    "My order number is four seven one nine.",
    "We measured the temperature twice, and both times it was too low.",
    "There is a small crack on the inside of the lower window.",
    "Stop the recording.",
    "She said the meeting had moved to Thursday morning.",
    "Open the garden gate slowly, because the dog is asleep.",
    "What time does the library close on a Saturday?",
    "A quiet voice is harder to hear in a crowded room.",
    "No, thank you.",
    "The printer on the second floor is out of paper again.",
    "He kept the receipts in an old wooden box.",
    "Heavy rain is expected along the coast tomorrow.",
    "Send the invoice to the head office before Friday.",
    "Good morning, how can I help you?",
)
"""Spoken in turn by flite's voices."""

BYSTANDERS = (
    "The committee will publish its report at the end of the month.",
    "Nobody had thought to bring an umbrella.",
    "Four hundred people signed the letter in a week.",
    "We walked along the beach until it was dark.",
    "The recipe needs butter, flour, and three eggs.",
    "His brother works in a factory near the harbour.",
    "Please keep your tickets ready for inspection.",
    "The lift is broken, so we had to use the stairs.",
)
"""What the babble is made of, each in every voice."""


@dataclass(frozen=True, slots=True)
class ChainQuality:
    """What the chain does to audio of one rate on its way to 16 kHz PCM16."""

    snr_db: float
    """Of a −1 dBFS sine of 997 Hz; 97.1 is what rounding to 16 bits leaves of it."""

    ripple_db: float
    """Largest deviation from unity gain up to min(7 kHz, 0.43 × rate)."""

    alias_dbfs: float | None
    """Loudest remains of −1 dBFS tones from 9 kHz to the input's Nyquist frequency, where there
    are any. Before rounding, which leaves nothing of what is below −96."""

    length_error: float
    """Largest distance of the output's length from frames × ratio, in samples."""

    delay_mean: float
    delay_max: float
    """How long the chain holds audio back, with messages of 20 ms."""


def measure_chain(rate: int, quality: Quality = Quality.HIGH) -> ChainQuality:
    """Send tones of `rate` through an `AudioChain` and look at what comes out."""

    def convert(signal: Float32) -> Int16:
        chain = _chain(rate, quality)
        return np.concatenate([chain.push(signal.tobytes()), chain.flush()])

    def steady(frequency_hz: float) -> Int16:
        tone = signals.sine(frequency_hz, rate, seconds=2 * EDGE + 0.5)
        edge = round(EDGE * 16_000)
        return convert(tone)[edge:-edge]

    def remains_dbfs(frequency_hz: float) -> float:
        tone = signals.sine(frequency_hz, rate, seconds=2 * EDGE + 0.5)
        remains = StreamResampler(rate, 16_000, quality).push(tone, last=True)
        edge = round(EDGE * 16_000)
        return signals.decibels(signals.rms(remains[edge:-edge]))

    def gain_db(frequency_hz: float) -> float:
        amplitude, _ = signals.fit_sine(steady(frequency_hz), frequency_hz, 16_000)
        return signals.decibels(amplitude) - -1.0

    _, snr_db = signals.fit_sine(steady(997), 997, 16_000)
    passband = np.linspace(60, min(7_000, 0.43 * rate), 25)
    stopband = np.linspace(9_000, 0.495 * rate, 15) if rate > 18_000 else ()
    lengths = (1, 2, 7, 333, 4_801, rate, rate + 17)
    delays = list(_delays(rate, quality))
    return ChainQuality(
        snr_db=snr_db,
        ripple_db=max(abs(gain_db(frequency)) for frequency in passband),
        alias_dbfs=max(map(remains_dbfs, stopband), default=None),
        length_error=max(
            abs(convert(np.zeros(frames, np.float32)).size - frames * 16_000 / rate)
            for frames in lengths
        ),
        delay_mean=sum(delays) / len(delays),
        delay_max=max(delays),
    )


def _chain(rate: int, quality: Quality = Quality.HIGH) -> AudioChain:
    return AudioChain(rate, encoding=Encoding.PCM_F32LE, channels=1, quality=quality)


def _delays(rate: int, quality: Quality) -> Iterator[float]:
    chain = _chain(rate, quality)
    for end in range(1, 501):
        chain.push_silence(end * rate // 50 - chain.frames_received)
        yield chain.frames_received / rate - chain.position / 16_000


@dataclass(frozen=True, slots=True)
class Scene:
    """An utterance in noise, at `NOISE_RATE`."""

    samples: Int16
    speech_begin: int
    speech_end: int


@dataclass(frozen=True, slots=True)
class ActivityQuality:
    """How the end of speech was found in 20 utterances."""

    found: int
    """Committed exactly once, after the end of speech and within the scene."""

    early: int
    """Committed before the end of speech: a sentence cut, or noise taken for one."""

    wait: float
    """Median time from the end of speech to the commit, which follows 1.5 s of silence."""


@cache
def utterance(index: int) -> Int16:
    speech, rate = flite(UTTERANCES[index], VOICES[index % len(VOICES)])
    assert rate == NOISE_RATE
    return signals.trim_silence(speech)


@cache
def noises() -> dict[str, Noise]:
    """Return every noise of the table by its name."""
    bystanders = [signals.trim_silence(flite(text, v)[0]) for text in BYSTANDERS for v in VOICES]
    return {
        "white": signals.white_noise,
        "pink": signals.pink_noise,
        "fan and hum": signals.fan_noise,
        "babble": signals.babble_noise(bystanders),
    }


def scene(
    speech: Int16,
    noise: str,
    snr_db: float,
    *,
    seed: int = 0,
    lead: float = LEAD,
    tail: float = TAIL,
    speech_dbfs: float = SPEECH_DBFS,
    step_db: float = 0.0,
    step_at: float = 0.0,
) -> Scene:
    """Put `speech` into noise that is `snr_db` below it, RMS against RMS.

    Args:
        speech: At `NOISE_RATE`, with no silence at its ends.
        noise: Which of `noises()`.
        snr_db: Before any step.
        seed: Of the noise.
        lead: Noise alone before the speech.
        tail: Noise alone after it.
        speech_dbfs: RMS level of the speech.
        step_db: By how much the noise grows louder, `step_at` seconds into the scene.
        step_at: See `step_db`.
    """
    begin = round(lead * NOISE_RATE)
    end = begin + speech.size
    size = end + round(tail * NOISE_RATE)
    random = np.random.default_rng([seed, round(snr_db), list(noises()).index(noise)])
    mixture = noises()[noise](size, random)
    mixture *= _amplitude(speech_dbfs - snr_db) / signals.rms(mixture)
    mixture[round(step_at * NOISE_RATE) :] *= 10 ** (step_db / 20)
    mixture[begin:end] += speech * (_amplitude(speech_dbfs) / signals.rms(speech))
    return Scene(signals.to_int16(mixture), begin, end)


def scenes_in(noise: str, snr_db: float) -> Iterator[Scene]:
    """Yield every utterance, each in noise of its own."""
    for index in range(len(UTTERANCES)):
        yield scene(utterance(index), noise, snr_db, seed=index)


def _amplitude(level_dbfs: float) -> float:
    return float(PCM16_SCALE * 10 ** (level_dbfs / 20))


def find_commits(verdicts: Iterable[bool]) -> list[float]:
    """Commit where the relay's policy finds the end of speech, with Scribe's defaults.

    Args:
        verdicts: One per 20 ms: is it speech?

    Returns:
        When the commits came, in seconds.
    """
    end_of_speech = EndOfSpeech(VadRule())
    commits = []
    for index, is_speech in enumerate(verdicts, 1):
        if end_of_speech.observe(1 / FRAMES_PER_SECOND, is_speech=is_speech):
            commits.append(index / FRAMES_PER_SECOND)
            end_of_speech.reset()
    return commits


def detect(samples: Int16, rate: int = NOISE_RATE) -> list[bool]:
    """Judge all of `samples` with an `ActivityDetector`."""
    return [frame.is_speech for frame in ActivityDetector(rate).push(samples)]


def detect_plainly(samples: Int16) -> list[bool]:
    """Judge with webrtcvad alone, in the same mode, for comparison."""
    vad = webrtcvad.Vad(2)
    size = NOISE_RATE // FRAMES_PER_SECOND
    return [
        vad.is_speech(samples[begin : begin + size].tobytes(), NOISE_RATE)
        for begin in range(0, samples.size - size + 1, size)
    ]


def measure_activity(
    scenes: Iterable[Scene], judge: Callable[[Int16], list[bool]] = detect
) -> ActivityQuality:
    """Look for the end of speech in every scene."""
    found = early = 0
    waits = []
    for each in scenes:
        commits = find_commits(judge(each.samples))
        end = each.speech_end / NOISE_RATE
        if any(commit < end for commit in commits):
            early += 1
        elif len(commits) == 1:
            found += 1
            waits.append(commits[0] - end)
    return ActivityQuality(found, early, float(np.median(waits)) if waits else float("nan"))


def chain_cost(rate: int, message: float) -> float:
    """Return seconds of processor time per second of a session, with messages so long."""
    speech = np.tile(signals.sine(440, rate, seconds=1.0), 10).tobytes()
    step = round(message * rate) * 4

    def run() -> None:
        chain = _chain(rate)
        for begin in range(0, len(speech), step):
            chain.push(speech[begin : begin + step])

    return _best_time(run) / 10


def activity_cost(rate: int, message: float, *, levels_only: bool = False) -> float:
    """Return seconds of processor time per second of a session, with pushes so long."""
    speech = scene(utterance(5), "pink", 20).samples
    seconds = speech.size / NOISE_RATE
    resampled = np.interp(
        np.arange(round(seconds * rate)) / rate * NOISE_RATE, np.arange(speech.size), speech
    ).astype(np.int16)
    step = round(message * rate)

    def run() -> None:
        detector = ActivityDetector(rate, levels_only=levels_only)
        for begin in range(0, resampled.size, step):
            detector.push(resampled[begin : begin + step])

    return _best_time(run) / seconds


def health_cost(message: float) -> float:
    """Return seconds of processor time per second of a session, with messages so long."""
    step = round(message * NOISE_RATE)
    speech = np.resize(utterance(5), 60 * NOISE_RATE)
    pieces = [speech[begin : begin + step] for begin in range(0, speech.size, step)]

    def run() -> None:
        health = AudioHealth(NOISE_RATE, rate=NOISE_RATE)
        now = 0.0
        for piece in pieces:
            now += message
            health.hear(piece, message, now)

    return _best_time(run) / 60


def _best_time(run: Callable[[], None]) -> float:
    times = []
    for _ in range(7):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(["---"] + ["---:"] * (len(header) - 1)) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def _chain_row(rate: int) -> list[str]:
    quality = measure_chain(rate)
    alias = "no such tones"
    if quality.alias_dbfs is not None:
        alias = f"{quality.alias_dbfs:.0f}".replace("-", "−")
    return [
        f"{rate / 1000:g} kHz",
        f"{quality.snr_db:.1f} dB",
        f"{quality.ripple_db:.3f} dB",
        alias,
        f"{quality.length_error:.2f}",
        f"{1e3 * quality.delay_mean:.0f} / {1e3 * quality.delay_max:.0f} ms",
    ]


def _activity_row(noise: str, snr_db: int) -> list[str]:
    scenes = list(scenes_in(noise, snr_db))
    ours, plain = measure_activity(scenes), measure_activity(scenes, detect_plainly)
    return [
        noise,
        f"{snr_db} dB",
        f"{ours.found} of {len(scenes)}",
        str(ours.early),
        f"{ours.wait:.2f} s",
        f"{plain.found} of {len(scenes)}",
    ]


def _cost_row(name: str, cost: Callable[[float], float]) -> list[str]:
    return [name, *(f"{1e6 * cost(message):.0f}" for message in MESSAGES)]


def main() -> None:
    print_table(
        ["from", "SNR", "ripple", "worst alias, dBFS", "length error", "delay, mean / most"],
        map(_chain_row, RATES),
    )
    print_table(
        ["noise", "SNR", "found", "too early", "commit after", "webrtcvad alone"],
        (_activity_row(noise, snr_db) for noise in noises() for snr_db in SNRS_DB),
    )
    print_table(
        ["µs per session-second", *(f"{1e3 * message:.0f} ms" for message in MESSAGES)],
        (
            _cost_row("chain, 48 kHz float32", partial(chain_cost, 48_000)),
            _cost_row("health, 16 kHz", health_cost),
            _cost_row("activity, 16 kHz", partial(activity_cost, 16_000)),
            _cost_row("activity, levels only", partial(activity_cost, 16_000, levels_only=True)),
            _cost_row("activity, 24 kHz", partial(activity_cost, 24_000)),
            _cost_row("activity, 48 kHz", partial(activity_cost, 48_000)),
        ),
    )


if __name__ == "__main__":
    main()
