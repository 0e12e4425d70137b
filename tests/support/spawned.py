"""`scribe-relay` in processes of its own, and waiting for what they do."""

import asyncio
import json
import os
import pty
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

POLL = 0.02
"""Seconds between two looks."""

TERMINAL = {"TERM": "xterm", "COLUMNS": "100"}


async def until(is_met: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0) -> None:
    """Look again and again until something is so.

    Raises:
        TimeoutError: If it isn't in `seconds`.
    """
    async with asyncio.timeout(seconds):
        while True:
            met = is_met()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(POLL)


async def answers(url: str) -> None:
    """Wait until a server answers."""
    async with aiohttp.ClientSession() as http:

        async def does_answer() -> bool:
            try:
                async with http.get(url):
                    return True
            except aiohttp.ClientConnectionError:
                return False

        await until(does_answer, 30)


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    stdout: str
    stderr: str
    screen: str
    """What a terminal was sent, if there was one."""

    @property
    def complaints(self) -> list[str]:
        """The lines that begin with `error: `, without that."""
        mark = "error: "
        lines = self.stderr.splitlines()
        return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


class Running:
    """A process; what it prints is kept."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._screen = bytearray()

    @property
    def folder(self) -> Path:
        """Where it runs, unless told otherwise."""
        return self._folder

    @property
    def stdout(self) -> str:
        return (self._folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self._folder / "stderr").read_text()

    @property
    def screen(self) -> str:
        return self._screen.decode(errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> list[dict[str, Any]]:
        """What it logged so far, where logs are JSON."""
        lines = self.stderr.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    async def says(self, text: str, seconds: float = 30.0) -> None:
        """Wait until it has printed something, wherever."""
        await until(
            lambda: text in self.stdout + self.stderr + self.screen or not self.is_running, seconds
        )
        assert text in self.stdout + self.stderr + self.screen, self.stderr

    def interrupt(self) -> None:
        """Press Ctrl-C: a terminal tells everyone in the foreground."""
        os.killpg(self.pid, signal.SIGINT)

    def terminate(self) -> None:
        self._process.terminate()

    async def ended(self, seconds: float = 60.0) -> Ended:
        """Wait for its end."""
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
        return Ended(code, self.stdout, self.stderr, self.screen)

    def watch(self, terminal: int) -> None:
        """Keep what comes to a terminal, until nobody has it open."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            try:
                self._screen += os.read(terminal, 4096)
            except OSError:
                loop.remove_reader(terminal)

        loop.add_reader(terminal, read)


@asynccontextmanager
async def command(
    *arguments: str | Path,
    cwd: Path | None = None,
    on_terminal: tuple[str, ...] = (),
    stdout: Path | None = None,
    program: tuple[str, ...] = (sys.executable, "-W", "error", "-m", "relay"),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """Run `scribe-relay`, at most until the context ends.

    Args:
        arguments: The command line.
        cwd: Where; a new folder if not given.
        on_terminal: Which of `stdout` and `stderr` are a terminal; the others are files.
        stdout: The file for standard output, if it is to be a certain one.
        program: What to run instead of this package as a module.
        environment: All that it has, besides `PATH`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stdout").touch()
        output = os.open(stdout or folder / "stdout", os.O_WRONLY)
        errors = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT)
        master, slave = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *program,
                *map(str, arguments),
                cwd=cwd or folder,
                env={"PATH": "/usr/bin:/bin", **TERMINAL, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                stdout=slave if "stdout" in on_terminal else output,
                stderr=slave if "stderr" in on_terminal else errors,
            )
            os.close(slave)
            running = Running(process, folder)
            running.watch(master)
            try:
                yield running
            finally:
                if running.is_running:
                    running.terminate()
                await process.wait()
            # A fault of ours, or a warning, which is one here.
            assert "Traceback" not in running.stderr + running.screen
        finally:
            asyncio.get_running_loop().remove_reader(master)
            for file in (output, errors, master):
                os.close(file)


async def run(*arguments: str | Path, **options: Any) -> Ended:
    """Run `scribe-relay` to its end; `options` as for `command`."""
    async with command(*arguments, **options) as running:
        return await running.ended()


async def relay_key(folder: Path) -> str:
    """Make a server's key for the relay that keeps its data in a folder."""
    made = await run("key", "create", "test", "--quiet", cwd=folder)
    assert made.code == 0, made.stderr
    return made.stdout.strip()
