"""`scribe-relay user export` and `scribe-relay user erase`: all that is known of somebody."""

from pathlib import Path

import click

from relay.cli.admin import NAME, administer, confirm, say, unknown
from relay.cli.history import copy, progress, target, transcripts_of
from relay.cli.options import ENV_FILE, load_settings
from relay.personal import SESSIONS_END_WITHIN, Erased, PersonalData
from relay.recording.shelf import Shelf
from relay.settings import Settings
from relay.store import Database, User, Users
from relay.store.names import ID


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
        personal = PersonalData(database, Shelf(settings.recordings))
        total = await personal.count(user.id)
        with target(output) as put, progress("export", total) as advance:
            await copy(personal.export(user, lambda _: advance(1)), put)
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
    default=SESSIONS_END_WITHIN,
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

    async def erase(database: Database) -> Erased:
        personal = PersonalData(database, Shelf(settings.recordings))
        with progress("erase", await personal.count(user_id)) as advance:
            return await personal.erase(
                user_id, wait=wait, on_deleted=lambda ids: advance(len(ids))
            )

    erased = administer(settings, erase)
    transcripts, rows = transcripts_of(erased.transcripts), erased.usage_rows
    say(f"User '{known_as}' was erased: {transcripts}, {rows} rows of usage.")


def _find(settings: Settings, name: str) -> User:
    found = administer(settings, lambda database: Users(database).find(name))
    if found is None:
        raise unknown("user", name)
    return found
