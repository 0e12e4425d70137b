"""The command line: `scribe-relay`.

exits        exit codes, and how an expected error becomes one line
options      flags that several commands share, and settings made from them
local        a relay, and a simulator where there is no key, inside this process
serve  demo  simulate  check_config  doctor  transcribe      one command each
user  kiosk  key      groups of commands that administer who may connect
history      what was said: searched, exported, deleted
personal     all that is known of a user: exported, erased
admin        what those share: the database, lists, secrets
sources      audio files as paced chunks        session    one file through one session
targets      where transcripts go               progress   what a terminal shows meanwhile
"""

from relay.cli.main import command_line


def main() -> None:
    """Run `scribe-relay` with this process's arguments; never returns."""
    command_line(prog_name="scribe-relay")


__all__ = ["command_line", "main"]
