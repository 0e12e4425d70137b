"""What a terminal shows while a file is transcribed: a bar, and the words as they come."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from relay.cli.exits import print_result, warn
from relay.client.events import (
    AudioGap,
    CommittedTranscript,
    Event,
    Failure,
    Other,
    PartialTranscript,
    Reconnecting,
    SessionEnded,
    SessionResumed,
    SessionStarted,
    TimedTranscript,
    Warn,
)

REFRESH_HZ = 8
"""How often the terminal is drawn."""


class Display:
    """Progress on standard error; nothing at all where that is no terminal."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        """Draw on `console`; `verbose` also prints each event, on a terminal or not."""
        self._console = console
        self._verbose = verbose
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[position]}"),
            console=console,
        )
        self._live: Live | None = None
        self._task = TaskID(0)
        self._duration = 0.0
        self._said: set[str] = set()
        self._failure = ""

    @contextmanager
    def watch(self, name: str, duration: float) -> Iterator[None]:
        """Show one file, of `duration` seconds, until the context ends."""
        self._said.clear()
        self._failure = ""
        self._duration = duration
        with self._draw_bar(name, duration):
            yield
        self._warn_of_failure()

    @contextmanager
    def _draw_bar(self, name: str, duration: float) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        self._task = self._progress.add_task(name, total=duration, position=_clock(0.0))
        with Live(
            self._progress, console=self._console, refresh_per_second=REFRESH_HZ, transient=True
        ) as self._live:
            try:
                yield
            finally:
                self._progress.remove_task(self._task)
                self._live = None

    def sent(self, seconds: float) -> None:
        """Move the bar to `seconds` of audio."""
        if self._live is not None:
            position = f"{_clock(seconds)} of {_clock(max(seconds, self._duration))}"
            self._progress.update(self._task, completed=seconds, position=position)

    def show(self, event: Event) -> None:
        """Show a partial transcript, or what went wrong."""
        if self._verbose:
            self.print_error(_describe(event))
        if isinstance(event, Reconnecting):
            self._note_break(event)
        # An error that something follows did not end the session; one that did is raised.
        self._warn_of_failure()
        match event:
            case PartialTranscript(text):
                self._draw(text)
            case CommittedTranscript() | TimedTranscript():
                self._draw("")
            case Failure(error=text):
                self._failure = text
            case Warn(text=text):
                self._warn_once(text)
            case AudioGap(reason=reason):
                self._warn_once(f"A stretch of the audio was not transcribed: {reason}.")
            case _:
                pass

    def print(self, line: str) -> None:
        """Print to standard output, above the bar where both are on one terminal."""
        if self._live is not None and sys.stdout.isatty():
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print_result(f"{line}\n")

    def print_error(self, line: str) -> None:
        """Print to standard error, above the bar."""
        # As a style of `print`, it would be the bar's too.
        self._console.print(Text(line, style="dim"), soft_wrap=True)

    def _draw(self, partial: str) -> None:
        if self._live is not None:
            # The end of the sentence is what is new, so that is what stays when room is short.
            room = max(10, self._console.width - 2)
            line = Text(_end_of(partial, room), style="dim", no_wrap=True)
            self._live.update(Group(self._progress, line), refresh=True)

    def _note_break(self, event: Reconnecting) -> None:
        """Say once that the line broke: nothing is lost by it yet, so it is no warning."""
        self._failure = ""
        if event.attempt == 1:
            self.print_error("The connection broke and is made again.")

    def _warn_of_failure(self) -> None:
        if self._failure:
            self._warn_once(self._failure)
            self._failure = ""

    def _warn_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            warn(text)


def _end_of(text: str, room: int) -> str:
    """What fits into `room` columns of the end of a text; Chinese and others take two each."""
    if cell_len(text) <= room:
        return text
    used, start = 1, len(text)
    while start > 0 and (used := used + cell_len(text[start - 1])) <= room:
        start -= 1
    return f"…{text[start:]}"


def _describe(event: Event) -> str:
    match event:
        case SessionStarted(session_id=session_id):
            return f"session {session_id} started"
        case SessionResumed(next_sample=next_sample):
            return f"session resumed at sample {next_sample}"
        case PartialTranscript(text):
            return f"partial: {text}"
        case CommittedTranscript(text=text, segment=segment, cause=cause):
            return f"segment {segment}, committed by {cause}: {text}"
        case TimedTranscript(segment=segment, words=words):
            return f"segment {segment}: {len(words or ())} timed words"
        case SessionEnded(reason=reason, audio_ms=audio_ms, segments=segments):
            return f"session ended: {reason}, {audio_ms} ms of audio, {segments} segments"
        case Failure(error_type=error_type, error=error):
            return f"{error_type}: {error}"
        case Other(message_type=message_type):
            return f"{message_type}"
        case _:
            return f"{event}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
