"""Print the reference of settings: `python -m relay.settings --markdown` or `--env`."""

import sys

from relay.settings.reference import render_env, render_markdown

RENDERERS = {"--markdown": render_markdown, "--env": render_env}

match sys.argv[1:]:
    case [flag] if flag in RENDERERS:
        sys.stdout.write(RENDERERS[flag]())
    case _:
        sys.exit(f"usage: python -m relay.settings {' | '.join(RENDERERS)}")
