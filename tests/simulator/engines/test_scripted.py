import numpy as np
import pytest

from relay.scribe.parameters import Parameters
from relay.simulator.engines import Stream
from relay.simulator.engines.scripted import ScriptedEngine

RATE = 16_000


async def stream_of(*texts: str, **parameters: str) -> Stream:
    return await ScriptedEngine(texts).open(Parameters.parse(parameters.items()))


def sound(seconds: float) -> bytes:
    return b"\1\0" * round(seconds * RATE)


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


async def test_it_says_which_samples_it_heard() -> None:
    stream = await stream_of()
    await stream.feed(sound(0.5))
    await stream.feed(sound(0.25))
    assert await stream.partial() == "heard 12000 samples from 0 to 12000"
    assert (await stream.commit()).text == "heard 12000 samples from 0 to 12000"
    await stream.feed(sound(0.25))
    assert (await stream.commit()).text == "heard 4000 samples from 12000 to 16000"


async def test_silence_says_nothing() -> None:
    stream = await stream_of("hello")
    await stream.feed(silence(3.0))
    assert await stream.partial() == ""
    transcript = await stream.commit()
    assert (transcript.text, transcript.words) == ("", ())


async def test_silence_around_sound_belongs_to_the_segment() -> None:
    stream = await stream_of()
    for payload in (silence(0.25), sound(0.25), silence(0.25)):
        await stream.feed(payload)
    assert (await stream.commit()).text == "heard 12000 samples from 0 to 12000"


async def test_each_segment_that_is_not_silent_gets_the_next_text() -> None:
    stream = await stream_of("hello you", "good bye")
    heard = []
    for payload in (sound(1.0), silence(1.0), sound(1.0), sound(1.0)):
        await stream.feed(payload)
        heard.append((await stream.commit()).text)
    assert heard == ["hello you", "", "good bye", "heard 16000 samples from 48000 to 64000"]


async def test_partials_of_a_given_text_grow_by_words() -> None:
    stream = await stream_of("one two three")
    heard = []
    for _ in range(5):
        await stream.feed(sound(0.35))
        heard.append(await stream.partial())
    assert heard == ["", "one", "one two", "one two three", "one two three"]


async def test_each_stream_starts_the_script_anew() -> None:
    engine = ScriptedEngine(["hello"])
    for _ in range(2):
        stream = await engine.open(Parameters())
        await stream.feed(sound(1.0))
        assert (await stream.commit()).text == "hello"
        stream.close()


async def test_words_divide_the_segments_time_since_the_streams_first_sample() -> None:
    stream = await stream_of("a", "b c")
    for _ in range(2):
        await stream.feed(sound(1.0))
        transcript = await stream.commit()
    assert [(w.text, w.start, w.end) for w in transcript.words] == [
        ("b", 1.0, 1.5),
        ("c", 1.5, 2.0),
    ]
    assert all(word.logprob == -0.1 for word in transcript.words)


async def test_items_have_characters_and_the_spaces_between_words() -> None:
    stream = await stream_of("ab c")
    await stream.feed(sound(2.0))
    items = list((await stream.commit()).items())
    assert [(item.text, item.type) for item in items] == [
        ("ab", "word"),
        (" ", "spacing"),
        ("c", "word"),
    ]
    assert items[0].characters is not None
    assert [getattr(c, "start", None) for c in items[0].characters] == [0.0, 0.5]
    assert items[1].logprob == 0.0
    assert (items[1].start, items[1].end) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("audio_format", "quiet", "loud"),
    [("ulaw_8000", b"\xff", b"\x00"), ("pcm_8000", b"\0\0", b"\0\1")],
)
async def test_silence_in_other_formats(audio_format: str, quiet: bytes, loud: bytes) -> None:
    stream = await stream_of(audio_format=audio_format)
    await stream.feed(quiet * 4000)
    assert (await stream.commit()).text == ""
    await stream.feed(loud * 4000)
    assert (await stream.commit()).text == "heard 4000 samples from 4000 to 8000"


async def test_the_language_is_the_one_that_was_forced_or_english() -> None:
    for parameters, language in (({"language_code": "de"}, "de"), ({}, "en")):
        stream = await stream_of(**parameters)
        assert (await stream.commit()).language_code == language


async def test_answers_may_be_left_unasked() -> None:
    stream = await stream_of()
    await stream.feed(np.arange(100, dtype="<i2").tobytes())
    stream.partial()
    stream.commit()
    stream.close()
