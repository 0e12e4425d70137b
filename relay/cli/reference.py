"""The page of commands in the documentation: `python -m relay.cli.reference`.

Made from the commands themselves; a test compares, so the page can't drift.
"""

import sys

import click

from relay.cli.exits import MEANINGS
from relay.cli.main import command_line

WIDTH = 100

HEAD = """\
# Commands

Made from the code by `python -m relay.cli.reference`; change `relay/cli/`, then make it again.

Results go to standard output; progress, warnings and errors to standard error, so that pipes work.
An expected error is one line that says what happened and what to do. Colours and progress bars
appear on a terminal alone; `NO_COLOR=1` turns colours off there too.
"""

EXITS_HEAD = """
## Exit codes

| code | meaning |
|---|---|
"""

EXITS_TAIL = """
`serve`, `demo` and `simulate` are stopped by Ctrl-C or SIGTERM; sessions end in order first. After
SIGTERM, `serve` ends by that signal, which a shell shows as 143.
"""


def render() -> str:
    """Write the page."""
    parts = [HEAD]
    for name, command in command_line.commands.items():
        parts.append(_section(name, command))
        if isinstance(command, click.Group):
            parts.extend(_section(f"{name} {of}", below) for of, below in command.commands.items())
    parts.append(EXITS_HEAD)
    parts.extend(f"| {code:d} | {meaning} |\n" for code, meaning in MEANINGS.items())
    parts.append(EXITS_TAIL)
    return "".join(parts)


def _section(name: str, command: click.Command) -> str:
    context = click.Context(
        command,
        info_name=f"scribe-relay {name}",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    level = "##" if " " not in name else "###"
    return f"\n{level} {name}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(render())
