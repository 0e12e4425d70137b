"""Texts and words without personal data."""

import pytest

from relay.redaction.finding import KINDS
from relay.redaction.redactor import Redactor, parse_kinds


def words(*texts: str) -> list[dict[str, object]]:
    return [
        {
            "text": text,
            "start": float(index),
            "end": index + 0.5,
            "type": "spacing" if text == " " else "word",
            "logprob": -0.1,
            "characters": [{"text": letter} for letter in text],
        }
        for index, text in enumerate(texts)
    ]


def shown(redacted: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(word["text"], word["start"], word["end"]) for word in redacted]


def test_a_text_says_what_stood_there() -> None:
    redactor = Redactor(["email", "ip"])
    text = "anna@example.com or bob@example.com from 10.0.0.1, 4111 1111 1111 1111"
    assert redactor.text(text) == "[email] or [email] from [ip], 4111 1111 1111 1111"
    assert redactor.text("nothing") == "nothing"


def test_words_keep_their_times() -> None:
    redacted = Redactor(["email"]).words(words("I", " ", "am", " ", "anna@example.com."))
    assert shown(redacted) == [
        ("I", 0.0, 0.5),
        (" ", 1.0, 1.5),
        ("am", 2.0, 2.5),
        (" ", 3.0, 3.5),
        ("[email].", 4.0, 4.5),
    ]
    assert "characters" not in redacted[4]
    assert "logprob" not in redacted[4]
    assert redacted[0]["characters"]


def test_several_words_of_one_number_become_one() -> None:
    said = words("card", " ", "4111", " ", "1111", " ", "1111", " ", "1111,", " ", "thanks")
    assert shown(Redactor(["card"]).words(said)) == [
        ("card", 0.0, 0.5),
        (" ", 1.0, 1.5),
        ("[card],", 2.0, 8.5),
        (" ", 9.0, 9.5),
        ("thanks", 10.0, 10.5),
    ]


def test_two_in_one_word_stay_one_word() -> None:
    redacted = Redactor(["ip"]).words(words("10.0.0.1/10.0.0.2", "!"))
    assert shown(redacted) == [("[ip]/[ip]", 0.0, 0.5), ("!", 1.0, 1.5)]


def test_words_may_lack_times_and_texts() -> None:
    redacted = Redactor(["email"]).words([{"type": "audio_event"}, {"text": "a@example.com"}])
    assert redacted == [{"type": "audio_event"}, {"text": "[email]"}]
    assert Redactor(["email"]).words([]) == []


def test_words_say_what_the_text_says() -> None:
    text = "call +7 916 123 45 67 or mail a@example.com now"
    split = [piece for word in text.split() for piece in (" ", word)][1:]
    redactor = Redactor(KINDS)
    joined = "".join(str(word["text"]) for word in redactor.words(words(*split)))
    assert joined == redactor.text(text) == "call [phone] or mail [email] now"


def test_kinds_are_read() -> None:
    assert parse_kinds(" email, CARD ,") == {"email", "card"}
    assert parse_kinds("all") == set(KINDS)
    assert parse_kinds("") == set()
    with pytest.raises(ValueError, match="'name' is none of email"):
        parse_kinds("email,name")
