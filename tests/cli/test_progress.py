"""What is shown while a file is transcribed, on a terminal that keeps its text."""

import contextlib
import io
from typing import Literal

import pytest
from rich.console import Console

from relay.cli.progress import Display
from relay.client import SessionFailed
from relay.client.events import (
    AudioGap,
    CommittedTranscript,
    Event,
    Failure,
    Other,
    PartialTranscript,
    Reconnecting,
    SessionEnded,
    SessionStarted,
    TimedTranscript,
    Warn,
)

COMMITTED = CommittedTranscript("Hello.", 0, 16_000)


class Screen:
    """A display and what it drew."""

    def __init__(
        self,
        *,
        is_terminal: bool = True,
        width: int = 60,
        verbose: bool = False,
        colours: Literal["standard"] | None = None,
    ) -> None:
        self._file = io.StringIO()
        console = Console(
            file=self._file, force_terminal=is_terminal, width=width, color_system=colours
        )
        self.display = Display(console, verbose=verbose)

    def show(self, *events: Event, sent: float = 0.0) -> str:
        """Watch a file of 90 s, some of it sent, in which these events happen; what was drawn."""
        with self.display.watch("a.wav", 90.0):
            self.display.sent(sent)
            for event in events:
                self.display.show(event)
        return self._file.getvalue()


def test_bar_names_the_file_and_the_position() -> None:
    drawn = Screen().show(COMMITTED, sent=61.5)
    assert "a.wav" in drawn
    assert "1:01 of 1:30" in drawn


def test_position_passes_a_duration_that_was_estimated_too_short() -> None:
    assert "1:35 of 1:35" in Screen().show(COMMITTED, sent=95.0)


def test_partial_is_drawn() -> None:
    assert "so far so good" in Screen().show(PartialTranscript("so far so good"))


def test_end_of_a_long_partial_is_what_stays() -> None:
    drawn = Screen(width=40).show(PartialTranscript("word " * 20 + "last"))
    assert "word last" in drawn
    assert "…" in drawn
    assert "word " * 12 not in drawn


def test_end_of_a_long_partial_in_wide_characters_is_what_stays() -> None:
    drawn = Screen(width=40).show(PartialTranscript("開けてください" * 10 + "終わり"))
    assert "ください終わり" in drawn


def test_verbose_dims_its_lines_and_not_the_bar() -> None:
    dim = "\x1b[2m"
    drawn = Screen(verbose=True, colours="standard").show(COMMITTED, sent=61.5)
    assert drawn.count(dim) == 1


def test_partial_that_looks_like_markup_is_drawn_as_it_is() -> None:
    assert "[red]x[/red]" in Screen().show(PartialTranscript("[red]x[/red]"))


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    assert Screen(is_terminal=False).show(PartialTranscript("x"), COMMITTED, sent=1.0) == ""


def test_lines_for_standard_output_go_there(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    with screen.display.watch("a.wav", 90.0):
        screen.display.print("Hello.")
    assert capsys.readouterr().out == "Hello.\n"
    assert "Hello." not in screen.show()


def test_each_warning_is_given_once_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    warning = Warn("silent_microphone", "Nothing is heard.")
    screen = Screen(is_terminal=False)
    screen.show(warning, warning)
    assert capsys.readouterr().err == "warning: Nothing is heard.\n"
    screen.show(warning)
    assert capsys.readouterr().err == "warning: Nothing is heard.\n"


def test_gap_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(is_terminal=False).show(AudioGap(0, 16_000, "upstream_lost"))
    assert capsys.readouterr().err == (
        "warning: A stretch of the audio was not transcribed: upstream_lost.\n"
    )


FAILURE = Failure("input_error", "NaN in it.", retryable=False)


@pytest.mark.parametrize("events", [(FAILURE, COMMITTED), (FAILURE,)])
def test_error_that_the_session_survives_is_a_warning(
    capsys: pytest.CaptureFixture[str], events: tuple[Event, ...]
) -> None:
    Screen(is_terminal=False).show(*events)
    assert capsys.readouterr().err == "warning: NaN in it.\n"


def test_broken_connection_is_a_note_once_and_no_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(is_terminal=False)
    breaks = (Reconnecting(1, 0.1, "gone"), Reconnecting(2, 0.1, "gone"))
    drawn = screen.show(FAILURE, *breaks, COMMITTED)
    assert drawn.count("The connection broke and is made again.") == 1
    assert capsys.readouterr().err == ""


def test_error_that_ends_the_session_is_left_to_who_raises_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(is_terminal=False)
    with contextlib.suppress(SessionFailed), screen.display.watch("a.wav", 1.0):
        screen.display.show(FAILURE)
        raise SessionFailed("input_error", "NaN in it.", 4400, retryable=False)
    screen.show()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (SessionStarted("abc", {}), "session abc started"),
        (PartialTranscript("Hel"), "partial: Hel"),
        (COMMITTED, "segment 0, committed by client: Hello."),
        (TimedTranscript("Hello.", 2, 1, words=None), "segment 2: 0 timed words"),
        (SessionEnded("stopped", 10, 2, 3), "session ended: stopped, 10 ms of audio, 2 segments"),
        (FAILURE, "input_error: NaN in it."),
        (Other("moving", {}), "moving"),
        (Warn("clipping", "Too loud."), "Too loud."),
    ],
)
def test_verbose_describes_each_event_without_a_terminal_too(event: Event, line: str) -> None:
    screen = Screen(is_terminal=False, width=200, verbose=True)
    assert line in screen.show(event).splitlines()[0]
