from relay.audio.end_of_speech import EndOfSpeech, VadRule

FRAME = 0.02
SCRIBES = VadRule()


def ends(*stretches: tuple[float, bool], rule: VadRule = SCRIBES) -> list[float]:
    """Observe stretches of (seconds, whether it is speech); seconds of each end."""
    end_of_speech = EndOfSpeech(rule)
    verdicts = [
        is_speech for seconds, is_speech in stretches for _ in range(round(seconds / FRAME))
    ]
    found = []
    for index, is_speech in enumerate(verdicts, 1):
        if end_of_speech.observe(FRAME, is_speech=is_speech):
            end_of_speech.reset()
            found.append(round(index * FRAME, 2))
    return found


def test_silence_after_speech_ends_the_segment() -> None:
    assert ends((1, True), (3, False)) == [2.5]


def test_each_utterance_ends_once() -> None:
    assert ends((1, True), (2, False), (1, True), (2, False)) == [2.5, 5.5]


def test_silence_without_speech_ends_nothing() -> None:
    assert ends((10, False)) == []


def test_a_pause_within_a_sentence_ends_nothing() -> None:
    assert ends((1, True), (1.4, False), (1, True)) == []


def test_speech_that_is_too_short_is_ignored() -> None:
    assert ends((0.08, True), (3, False)) == []
    assert ends((0.1, True), (3, False)) == [1.6]


def test_a_click_in_the_silence_does_not_prolong_it() -> None:
    assert ends((1, True), (1, False), (0.04, True), (1, False)) == [2.5]


def test_gaps_that_are_too_short_do_not_break_speech() -> None:
    assert ends(*((0.06, True), (0.06, False)) * 2, (2, False)) == [1.68]


def test_gaps_of_silence_break_speech() -> None:
    assert ends(*((0.06, True), (0.1, False)) * 5, (2, False)) == []


def test_the_rule_says_how_much_silence() -> None:
    assert ends((1, True), (1, False), rule=VadRule(silence=0.4)) == [1.4]


def test_a_gap_that_does_not_count_as_silence_ends_nothing() -> None:
    rule = VadRule(silence=0.3, min_silence=1.0)
    assert ends((1, True), (0.9, False), (1, True), (2, False), rule=rule) == [3.9]


def test_it_keeps_ending_until_it_is_reset() -> None:
    end_of_speech = EndOfSpeech(SCRIBES)
    end_of_speech.observe(1.0, is_speech=True)
    assert end_of_speech.observe(1.5, is_speech=False)
    assert end_of_speech.observe(FRAME, is_speech=False)
    end_of_speech.reset()
    assert not end_of_speech.observe(FRAME, is_speech=False)
