"""`scribe-relay history`."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from relay.cli.accounts import account_called
from relay.cli.admin import AS_JSON, administer, confirm, print_rows, say, sentence
from relay.cli.exits import CommandFailed
from relay.cli.options import ENV_FILE, load_settings
from relay.erasing import delete_transcripts
from relay.exporting import FORMAT_NAMES, export_audio, export_many, export_one
from relay.exports import FORMATS
from relay.recording.shelf import Shelf
from relay.store import Database
from relay.store.erasure import Erasure
from relay.store.fulltext import Query
from relay.store.transcripts import Filter, Found, Position, Transcript, Transcripts

SHOWN: Final = 50

DAY: Final = click.DateTime(["%Y-%m-%d"])

Command = Callable[..., Any]


def filters(command: Command) -> Command:
    """Add the flags that say which transcripts."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


_FILTERS: Final = (
    click.option("--user", metavar="NAME", help="Of this user, by name or id."),
    click.option("--kiosk", metavar="NAME", help="Of this kiosk, by name or id."),
    click.option("--key", metavar="NAME", help="Of this server key, by name or id."),
    click.option(
        "--account",
        metavar="TEXT",
        help="As --json shows it; also of those who are gone, and of a key's own users.",
    ),
    click.option("--since", type=DAY, help="First day (UTC) on which sessions began."),
    click.option("--until", type=DAY, help="Last day (UTC)."),
    click.option("--device", metavar="NAME", help="Said at this kiosk."),
    click.option("--language", metavar="CODE", help="In this language."),
    click.option("--flag", metavar="NAME", help="With this flag."),
    click.option("--search", metavar="WORDS", help='With these words: good "good day" beginnin*.'),
)


@click.group(
    epilog="""\b
Examples:
  scribe-relay history search 'good morning'
  scribe-relay history export --user anna --format srt --output anna.zip
  scribe-relay history delete --kiosk lobby --until 2026-11-24
"""
)
def history() -> None:
    """Search, export and delete what was said.

    Works with the database, whether or not a relay runs.
    """


@history.command(
    epilog="""\b
Examples:
  scribe-relay history search weather --user anna
  scribe-relay history search --since 2026-11-24 --json | jq -r .id
"""
)
@click.argument("words", required=False)
@filters
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=SHOWN,
    show_default=True,
    help="Transcripts listed at most, the newest first.",
)
@AS_JSON
@ENV_FILE
def search(words: str | None, limit: int, as_json: bool, env_file: Path, **given: Any) -> None:
    """List transcripts, all or those in which WORDS are found.

    WORDS stand together in a segment, in any script; "words in quotes" follow one another, and a
    star finds all that begins so.
    """
    given["search"] = words if given["search"] is None else given["search"]

    async def find(database: Database) -> list[Found]:
        wanted = await _filter(database, **given)
        transcripts, found = Transcripts(database), list[Found]()
        after: Position | None = None
        while len(found) < limit:
            page = await transcripts.page(wanted, after=after, limit=min(SHOWN, limit - len(found)))
            if not page:
                break
            found += page
            after = Position.of(page[-1].transcript)
        return found

    rows = [_row(each) for each in administer(load_settings(env_file), find)]
    print_rows(rows, as_json=as_json, if_none="No transcripts.")


@history.command(
    epilog="""\b
Examples:
  scribe-relay history export 3f6c0d1e9a7b4c528e1f0a2b3c4d5e6f --format srt > talk.srt
  scribe-relay history export --user anna --format json --output anna.zip
"""
)
@click.argument("transcript_id", metavar="[ID]", required=False)
@filters
@click.option(
    "-f",
    "--format",
    "file_format",
    type=click.Choice(FORMAT_NAMES),
    default="txt",
    show_default=True,
    help="Of the file, or of each in the zip file.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; by default standard output.",
)
@ENV_FILE
def export(
    transcript_id: str | None,
    file_format: str,
    output: Path | None,
    env_file: Path,
    **given: Any,
) -> None:
    """Write one transcript as a file, or all that the flags list as a zip file.

    A file appears under its name only once it is whole. With flac or wav it is the audio, as far as
    that was recorded.
    """
    if transcript_id is not None and any(value is not None for value in given.values()):
        raise click.UsageError("Give an ID or flags that say which, not both.")
    if transcript_id is None and output is None and sys.stdout.isatty():
        raise click.UsageError("A zip file is nothing for a terminal; give --output FILE.")
    settings = load_settings(env_file)
    shelf = Shelf(settings.recordings)

    async def write(database: Database) -> int:
        transcripts = Transcripts(database)
        with target(output) as put:
            if transcript_id is not None:
                found = await transcripts.find(transcript_id, None)
                if found is None:
                    raise _no_such_transcript(transcript_id)
                await copy(_one(transcripts, shelf, found, file_format), put)
                return 1
            wanted = await _filter(database, **given)
            total = await transcripts.count(wanted)
            with progress("export", total) as advance:
                pieces = export_many(
                    transcripts, wanted, file_format, lambda _: advance(1), shelf=shelf
                )
                await copy(pieces, put)
            return total

    count = administer(settings, write)
    if output is not None:
        say(f"{transcripts_of(count)} exported to {output}.")


@history.command(
    epilog="""\b
Examples:
  scribe-relay history delete 3f6c0d1e9a7b4c528e1f0a2b3c4d5e6f
  scribe-relay history delete --user anna --yes
"""
)
@click.argument("transcript_id", metavar="[ID]", required=False)
@filters
@click.option("--all", "all_of_them", is_flag=True, help="Delete all transcripts there are.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@ENV_FILE
def delete(
    transcript_id: str | None, all_of_them: bool, yes: bool, env_file: Path, **given: Any
) -> None:
    """Delete one transcript for good, or all that the flags list.

    What Redis still holds of them isn't stored any more. With --user, --kiosk, --key or --account
    alone, what is said in their sessions that go on isn't either.
    """
    asked = [name for name, value in given.items() if value is not None]
    if (transcript_id is not None) + bool(asked) + all_of_them != 1:
        raise click.UsageError("Give an ID, flags that say which, or --all.")
    settings = load_settings(env_file)
    shelf = Shelf(settings.recordings)
    if transcript_id is not None:
        confirm(f"Delete transcript {transcript_id}?", is_sure=yes)
        if not administer(settings, lambda it: _delete_one(it, shelf, transcript_id)):
            raise _no_such_transcript(transcript_id)
        say("1 transcript deleted.")
        return

    async def count(database: Database) -> int:
        return await Transcripts(database).count(await _filter(database, **given))

    total = administer(settings, count)
    confirm(f"Delete {transcripts_of(total)}?", is_sure=yes)
    whole = len(asked) == 1 and asked[0] in ("user", "kiosk", "key", "account")

    async def erase(database: Database) -> int:
        wanted = await _filter(database, **given)
        with progress("delete", total) as advance:
            count = await delete_transcripts(
                database, shelf, wanted, blocks=whole, on_deleted=lambda some: advance(len(some))
            )
        await database.forget_deleted()
        return count

    say(f"{transcripts_of(administer(settings, erase))} deleted.")


async def _delete_one(database: Database, shelf: Shelf, transcript_id: str) -> bool:
    was_there = await Erasure(database).delete(transcript_id, None)
    shelf.delete([transcript_id])
    await database.forget_deleted()
    return was_there


async def _filter(
    database: Database,
    *,
    user: str | None,
    kiosk: str | None,
    key: str | None,
    account: str | None,
    since: datetime | None,
    until: datetime | None,
    device: str | None,
    language: str | None,
    flag: str | None,
    search: str | None,
) -> Filter:
    accounts = [
        *([account] if account is not None else []),
        *([await account_called(database, "user", user)] if user is not None else []),
        *([await account_called(database, "kiosk", kiosk)] if kiosk is not None else []),
        *([await account_called(database, "key", key)] if key is not None else []),
    ]
    if len(accounts) > 1:
        raise click.UsageError("Give one of --user, --kiosk, --key and --account.")
    query = None
    if search is not None:
        try:
            query = Query.parse(search)
        except ValueError as error:
            raise click.UsageError(sentence(error)) from error
    return Filter(
        account=accounts[0] if accounts else None,
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC) + timedelta(days=1),
        device=device,
        language=language,
        flag=flag,
        query=query,
    )


def _row(found: Found) -> dict[str, Any]:
    transcript = found.transcript
    first = found.found[0].text if found.found else None
    return {
        "begun": transcript.started_at,
        "name": transcript.name,
        "title": transcript.title,
        "language": transcript.language,
        "minutes": round(transcript.audio_ms / 60_000, 1),
        "segments": transcript.segments,
        "flags": " ".join(transcript.flags) or None,
        **({} if first is None else {"found": found.count, "first": " ".join(first.split())}),
        "account": transcript.account,
        "id": transcript.id,
    }


def transcripts_of(count: int) -> str:
    """Say how many."""
    return f"{count} transcript{'' if count == 1 else 's'}"


def _one(
    transcripts: Transcripts, shelf: Shelf, transcript: Transcript, format_name: str
) -> AsyncIterator[str | bytes]:
    if format_name in FORMATS:
        return export_one(transcripts, transcript, format_name)
    audio = shelf.find(transcript.id, transcript.account)
    if audio is None:
        raise CommandFailed(
            f"There is no audio of transcript '{transcript.id}' in {shelf.folder}. Whether it is "
            "recorded is said by RELAY_AUDIO_DAYS, and where by RELAY_AUDIO_DIR."
        )
    return export_audio(audio, format_name)


def _no_such_transcript(transcript_id: str) -> CommandFailed:
    return CommandFailed(
        f"There is no transcript '{transcript_id}'. See which there are with: "
        "scribe-relay history search"
    )


@contextmanager
def target(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Open where an export goes; a file has its name only once it is whole.

    Raises:
        CommandFailed: If it can't be written.
    """
    if output is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        try:
            with part.open("wb") as file:
                yield file.write
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{output} can't be written: {error.strerror}.") from error


async def copy(pieces: AsyncIterator[str | bytes], put: Callable[[bytes], object]) -> None:
    """Write what comes where `put` puts it."""
    async for piece in pieces:
        put(piece.encode() if isinstance(piece, str) else piece)


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as shown:
        task = shown.add_task(name, total=total)
        yield lambda count: shown.advance(task, count)
