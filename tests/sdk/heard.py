"""What an SDK told its caller, and what that must be, whatever the SDK and whoever serves it."""

from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from relay.audio.pcm import Int16
from tests.sdk.said import SENTENCE
from tests.sdk.targets import Target
from tests.support.words import word_error_rate

ORDINARY: Final = frozenset(
    {
        "open",
        "session_started",
        "partial_transcript",
        "committed_transcript",
        "committed_transcript_with_timestamps",
    }
)
"""What SDKs tell of a session in which nothing goes wrong, until it is closed."""

MAX_ERRORS: Final = 0.15
"""Words that the recogniser may mistake, of those said: one of the sentence's eight."""

MAX_MICROPHONE_ERRORS: Final = 0.3
"""The same where a microphone has heard it, which stutters on a busy machine: two of them."""


class Event(NamedTuple):
    """One call of the caller's handlers."""

    kind: str
    """As the service names it."""
    text: str = ""


class Heard(list[Event]):
    """All that an SDK told, in order."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """Take what another process, or a page, has written down."""
        return cls(Event(kind, text) for kind, text in pairs)

    def texts(self, kind: str) -> list[str]:
        return [event.text for event in self if event.kind == kind]


def check_heard(heard: Heard, said: str = SENTENCE, *, max_errors: float = MAX_ERRORS) -> None:
    """One session without any trouble, in which what was said was understood."""
    kinds = [event.kind for event in heard]
    if kinds[-1] == "close":
        kinds.pop()
    assert set(kinds) <= ORDINARY, heard
    assert kinds.count("session_started") == 1, heard
    assert heard.texts("partial_transcript"), heard
    check_words(" ".join(heard.texts("committed_transcript")), said, max_errors=max_errors)


def check_words(text: str, said: str = SENTENCE, *, max_errors: float = MAX_ERRORS) -> None:
    """What was said, once."""
    assert word_error_rate(said, text) <= max_errors, text


def check_audio(target: Target, sent: Int16) -> None:
    """The provider committed each sample that was sent, once; what is padded is silence."""
    committed = target.committed
    assert committed[: sent.size].tolist() == sent.tolist()
    assert not committed[sent.size :].any()


def check_broken(target: Target) -> None:
    """The provider's socket did break, and another went on."""
    first, second = target.sessions
    assert not first.commits
    assert second.commits
