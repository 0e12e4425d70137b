"""`scribe-relay user export` and `scribe-relay user erase`: all that is known of somebody."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import click

from relay.cli.admin import NAME, administer, confirm, in_json, say, unknown
from relay.cli.history import copy, delete_all, progress, target, transcripts_of
from relay.cli.options import ENV_FILE, load_settings
from relay.exporting import archive_audio, export_one
from relay.exports import Archive, file_name
from relay.recording.shelf import Shelf
from relay.settings import Settings
from relay.store import Database, Usage, User, Users
from relay.store.names import ID
from relay.store.transcripts import Filter, Transcripts

WAIT: Final = 6.0
"""Seconds in which the live sessions of somebody who was removed end; five are promised."""

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(9999, 12, 31)


@click.command("export", epilog="\b\nExamples:\n  scribe-relay user export anna --output anna.zip")
@NAME
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Zip file to write.",
)
@ENV_FILE
def export_user(name: str, output: Path, env_file: Path) -> None:
    """Write all that is known of a user: account, usage, transcripts, as JSON in a zip file.

    Their recordings are in it too, as FLAC. NAME may be an id. A file appears under its name only
    once it is whole.
    """
    settings = load_settings(env_file)
    user = _find(settings, name)

    async def write(database: Database) -> int:
        wanted = Filter(account=f"user:{user.id}")
        total = await Transcripts(database).count(wanted)
        with target(output) as put, progress("export", total) as advance:
            shelf = Shelf(settings.recordings)
            await copy(_everything(database, shelf, user, wanted, advance), put)
        return total

    count = administer(settings, write)
    say(f"Everything of user '{user.name}', {transcripts_of(count)} included, is in {output}.")


@click.command(
    "erase",
    epilog="""\b
Examples:
  scribe-relay user erase anna
  scribe-relay user erase 3f6c0d1e9a7b4c528e1f0a2b3c4d5e6f --yes   # one who was removed before
""",
)
@NAME
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 600),
    default=WAIT,
    show_default=True,
    help="Seconds in which their live sessions end, before what these leave behind is deleted.",
)
@ENV_FILE
def erase_user(name: str, yes: bool, wait: float, env_file: Path) -> None:
    """Delete a user and all that is known of them: account, usage, transcripts, audio.

    NAME may be an id too, also of one who was removed.
    """
    settings = load_settings(env_file)
    found = administer(settings, lambda database: Users(database).find(name))
    if found is None and not ID.fullmatch(name):
        raise unknown("user", name)
    user_id, known_as = (name, name) if found is None else (found.id, found.name)
    confirm(f"Erase user '{known_as}' and all that they said?", is_sure=yes)

    async def erase(database: Database) -> tuple[int, int]:
        account = f"user:{user_id}"
        if await Users(database).remove(user_id):
            await asyncio.sleep(wait)
        wanted = Filter(account=account)
        total = await Transcripts(database).count(wanted)
        with progress("erase", total) as advance:
            shelf = Shelf(settings.recordings)
            transcripts = await delete_all(database, shelf, wanted, advance, blocks=True)
        return transcripts, await Usage(database).erase(account)

    transcripts, rows = administer(settings, erase)
    say(f"User '{known_as}' was erased: {transcripts_of(transcripts)}, {rows} rows of usage.")


async def _everything(
    database: Database, shelf: Shelf, user: User, wanted: Filter, advance: Any
) -> AsyncIterator[bytes]:
    archive, transcripts = Archive(), Transcripts(database)
    account = {
        "id": user.id,
        "name": user.name,
        "is_operator": user.is_operator,
        "created_at": user.created_at,
    }
    rows = await Usage(database).per_day(FIRST_DAY, LAST_DAY, wanted.account)
    for name, known in (("account", account), ("usage", [asdict(row) for row in rows])):
        yield archive.open_named(f"{name}.json", user.created_at.timetuple()[:6])
        yield archive.write(json.dumps(known, ensure_ascii=False, indent=2, default=in_json))
        yield archive.close()
    async for transcript in transcripts.each(wanted):
        moment = transcript.started_at.timetuple()[:6]
        yield archive.open_named(f"transcripts/{file_name(transcript, 'json')}", moment)
        async for text in export_one(transcripts, transcript, "json"):
            yield archive.write(text)
        yield archive.close()
        async for piece in archive_audio(archive, shelf, transcript, "flac", "audio/"):
            yield piece
        advance(1)
    yield archive.finish()


def _find(settings: Settings, name: str) -> User:
    found = administer(settings, lambda database: Users(database).find(name))
    if found is None:
        raise unknown("user", name)
    return found
