"""`scribe-relay transcribe`."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from relay.cli.exits import CommandFailed, Exit, print_result, report
from relay.cli.local import local_relay, run
from relay.cli.options import ENV_FILE, configure_logs, load_key, load_settings
from relay.cli.progress import Display
from relay.cli.session import Route, transcribe_audio
from relay.cli.sources import open_audio
from relay.cli.targets import RENDERERS, plan_targets, write_target
from relay.client import RelayUnreachable, SessionFailed, Transcript
from relay.client.events import CommittedTranscript, Event, TimedTranscript
from relay.client.stream import RECONNECT_SECONDS
from relay.errors import RelayError
from relay.scribe.parameters import InvalidParameters, Parameters

FASTEST = 4.0
"""Times real time at which a file is sent.

Source: the provider takes this with unchanged text; far beyond it, it answers `queue_overflow`
(third parties' measurements, autumn 2026).
"""

Options = tuple[tuple[str, str], ...]


@click.command(
    epilog="""\b
Examples:
  scribe-relay transcribe speech.wav
  scribe-relay transcribe talk.mp3 --format srt --output talk.srt
  scribe-relay transcribe *.flac --format json --output transcripts/
  scribe-relay transcribe call.ogg --url https://relay.example.org --language en
  scribe-relay transcribe talk.wav --option keyterms=Kyiv --option keyterms=Lviv
"""
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(list(RENDERERS)),
    default="txt",
    show_default=True,
    help="Plain text, everything as JSON, or subtitles.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File, or folder for several; by default the transcript is printed.",
)
@click.option("--url", help="A running relay; without it, one runs inside this command.")
@click.option("--key", help="Key for that relay; better set as RELAY_KEY or RELAY_KEY_FILE.")
@click.option("--language", metavar="CODE", help="Language, such as en; by default it is detected.")
@click.option(
    "--commit-strategy",
    type=click.Choice(["vad", "manual"]),
    help="End segments at pauses, or only where they get too long.  [default: vad]",
)
@click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other option of a Scribe session; may be repeated, lists too.",
)
@click.option("--realtime", is_flag=True, help="Send as fast as it was spoken, not up to 4 times.")
@click.option(
    "--reconnect-seconds",
    type=click.FloatRange(min=0),
    default=RECONNECT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long a connection that broke is made again.",
)
@click.option("--simulator", is_flag=True, help="Use the simulator although a key is set.")
@click.option("-v", "--verbose", is_flag=True, help="Print every event, and the relay's own log.")
@ENV_FILE
def transcribe(files: Sequence[Path], output: Path | None, file_format: str, **given: Any) -> None:
    """Transcribe audio files.

    Any that libsndfile reads: wav, flac, ogg, mp3 and more. Transcripts go to standard output,
    progress and messages to standard error. Without --url, a relay runs inside this command for the
    occasion: the real service answers if ELEVENLABS_API_KEY is set, else a simulator. A file that
    fails is reported, and the others go on.
    """
    env_file = given["env_file"]
    options = _options(given, timed=file_format != "txt")
    targets = plan_targets(files, output, file_format)
    job = Job(
        list(zip(files, targets, strict=True)),
        file_format,
        Display(Console(stderr=True), verbose=given["verbose"]),
    )
    pace = (1.0 if given["realtime"] else FASTEST, given["reconnect_seconds"])
    if given["url"]:
        route = Route(given["url"], load_key(env_file, given["key"]), options, *pace)
        exit_code = run(job.run(route))
    else:
        exit_code = run(_run_locally(job, given, options, pace))
    click.get_current_context().exit(exit_code)


async def _run_locally(
    job: "Job", given: dict[str, Any], options: Options, pace: tuple[float, float]
) -> Exit:
    settings = load_settings(
        given["env_file"],
        host="127.0.0.1",
        port=0,
        allowed_hosts=("127.0.0.1",),
        # Nobody else ever meets this relay, so nothing of it is kept.
        workers=1,
        secret_keys=secrets.token_urlsafe(48),
        database_url="sqlite+aiosqlite://",
        log_level="info" if given["verbose"] else "critical",
        log_format="console",
    )
    configure_logs(settings)
    async with local_relay(settings, force_simulator=given["simulator"]) as relay:
        job.display.print_error(relay.answers)
        _, key = await relay.services.api_keys.create("transcribe", {})
        return await job.run(Route(relay.url, key, options, *pace))


@dataclass(frozen=True)
class Job:
    """All files of one call."""

    files: Sequence[tuple[Path, Path | None]]
    """With their targets; `None` is standard output."""
    file_format: str
    display: Display

    async def run(self, route: Route) -> Exit:
        """Transcribe one file after the other; stop only where the next can't do better."""
        exit_code = Exit.OK
        for number, (path, target) in enumerate(self.files):
            if self._is_printed_live(target) and len(self.files) > 1:
                self.display.print(f"\n{path}:" if number else f"{path}:")
            try:
                await self._transcribe(path, target, route)
            except RelayError as error:
                exit_code = max(exit_code, report(_about(path, error)))
            if exit_code is Exit.UNREACHABLE:
                break
        return exit_code

    async def _transcribe(self, path: Path, target: Path | None, route: Route) -> None:
        is_printed_live = self._is_printed_live(target)
        with open_audio(path) as audio:
            transcript = Transcript(audio.rate)
            printed = 0

            def on_event(event: Event) -> None:
                nonlocal printed
                self.display.show(event)
                is_news = isinstance(event, CommittedTranscript | TimedTranscript)
                if is_printed_live and is_news:
                    for segment in transcript.segments[printed:]:
                        self.display.print(segment.text)
                        printed += 1

            is_complete = False
            try:
                with self.display.watch(audio.name, audio.duration):
                    await transcribe_audio(
                        audio, route, transcript, on_event=on_event, on_sent=self.display.sent
                    )
                is_complete = True
            finally:
                # What has come is paid for and may be long: it is kept even if the rest is lost.
                if not is_printed_live and (is_complete or transcript.segments):
                    self._deliver(transcript, target)

    def _is_printed_live(self, target: Path | None) -> bool:
        return target is None and self.file_format == "txt"

    def _deliver(self, transcript: Transcript, target: Path | None) -> None:
        text = RENDERERS[self.file_format](transcript.segments)
        if target is None:
            print_result(text)
        else:
            write_target(target, text)
            self.display.print_error(f"{target} written")


def _about(path: Path, error: RelayError) -> RelayError:
    """Say which file an error of its session is about; the others say it themselves."""
    if isinstance(error, RelayUnreachable | CommandFailed):
        return error
    if isinstance(error, SessionFailed) and error.is_upstreams:
        return CommandFailed(f"{path}: {error}", Exit.UNREACHABLE)
    return CommandFailed(f"{path}: {error}")


def _options(given: dict[str, Any], *, timed: bool) -> Options:
    """Collect the session's options.

    Raises:
        click.UsageError: If one is wrong, unknown, or given twice.
    """
    pairs = []
    for text in given["pairs"]:
        name, mark, value = text.partition("=")
        if not mark:
            raise click.UsageError(f"--option {text}: give NAME=VALUE, such as no_verbatim=true.")
        pairs.append((name, value))
    names = {name for name, _ in pairs}
    strategy = given["commit_strategy"]
    if strategy or "commit_strategy" not in names:
        pairs.append(("commit_strategy", strategy or "vad"))
    if given["language"]:
        pairs.append(("language_code", given["language"]))
    if timed and "include_timestamps" not in names:
        pairs.append(("include_timestamps", "true"))
    try:
        Parameters.parse(pairs)
    except InvalidParameters as error:
        raise click.UsageError(f"{error}.") from error
    return tuple(pairs)
