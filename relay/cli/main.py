"""The group of all commands."""

import click

from relay import __version__
from relay.cli.check_config import check_config
from relay.cli.demo import demo
from relay.cli.doctor import doctor
from relay.cli.exits import CommandLine
from relay.cli.history import history
from relay.cli.key import key
from relay.cli.kiosk import kiosk
from relay.cli.serve import serve
from relay.cli.simulate import simulate
from relay.cli.transcribe import transcribe
from relay.cli.user import user


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Start with:
  scribe-relay transcribe speech.wav     # works alone, even without a key
  scribe-relay demo                      # a relay to try things on

Exit codes: 0 done, 1 something failed, 2 wrong command line, 3 wrong settings,
4 relay, provider or database unreachable, 130 interrupted.
""",
)
@click.version_option(__version__, prog_name="scribe-relay")
def command_line() -> None:
    """Live speech-to-text through a relay that keeps the provider's key."""


for command in (serve, demo, simulate, transcribe, user, kiosk, key, history, doctor, check_config):
    command_line.add_command(command)
