"""Relays and simulators in processes of their own, as operators start them."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.support.ports import free_port
from tests.support.settings import KEY, SIGNING_KEY
from tests.support.waiting import wait_until

START_TIMEOUT = 60.0
"""Seconds that a program has to start, on a machine that is busy with others."""

STOP_TIMEOUT = 30.0
"""Seconds that a program has to end after SIGTERM; ten of them are its sessions'."""

Connection = dict[str, Any]
"""What the simulator says of one socket."""


class Program:
    """`python -m relay …` in a folder of its own, with nothing of this process's environment.

    with RelayProcess(simulator.url) as relay:
        ...  # use relay.url
    """

    def __init__(self, *arguments: str, **environment: str) -> None:
        """Describe it; nothing runs before `start`."""
        self.folder = Path(tempfile.mkdtemp(prefix="scribe-relay-process-"))
        self._arguments = arguments
        self._environment = {"PATH": "/usr/bin:/bin", **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and hasn't ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "log").read_text()

    @property
    def faults(self) -> list[str]:
        """Errors in its log; none are expected."""
        return [line for line in self.log.splitlines() if '"level": "error"' in line]

    def launch(self) -> None:
        """Start, and wait for nothing; the log goes on."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "relay", *self._arguments],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                # A group of its own, so that nothing of it can stay behind.
                start_new_session=True,
            )

    def start(self) -> None:
        """Start, and wait until it serves."""
        self.launch()
        self.wait_until_it_serves()

    def wait_until_it_serves(self) -> None:
        """Wait for the end of its start."""
        wait_until(self._serves_or_ended, f"{self._arguments[0]} to serve", seconds=START_TIMEOUT)
        assert self._process is not None
        assert self._process.poll() is None, self.log

    def serves(self) -> bool:
        """Whether it is there."""
        raise NotImplementedError

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = STOP_TIMEOUT) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def children(self) -> set[int]:
        """Ids of the processes that it has started and that live."""
        return _children(self.pid)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.clear_away()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._process is not None and self._process.poll() is None:
                self.terminate()
                self.wait()
            if error is None:
                assert not self.faults, "\n".join(self.faults)
        finally:
            self.clear_away()

    def _serves_or_ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None or self.serves()

    def clear_away(self) -> None:
        """Leave nothing of it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # all of it has ended, as it should
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class SimulatorProcess(Program):
    """The provider, with the scripted engine: each final says which samples it covers."""

    def __init__(self, *arguments: str) -> None:
        """Describe a simulator; `arguments` are added to its command line."""
        self.port = free_port()
        super().__init__(
            "simulate",
            "--engine=scripted",
            f"--port={self.port}",
            f"--api-key={KEY}",
            "--log-format=json",
            *arguments,
        )

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def serves(self) -> bool:
        return answers(f"{self._control}/connections")

    async def connections(self) -> list[Connection]:
        """Every socket so far, the oldest first."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self._control}/connections") as answer,
        ):
            listed: list[Connection] = json.loads(await answer.text())
            return listed

    async def samples(self) -> int:
        """How much audio came, of all sockets together."""
        return sum(each["samples"] for each in await self.connections())

    @property
    def _control(self) -> str:
        return f"http://127.0.0.1:{self.port}/simulator"


class RelayProcess(Program):
    """`serve`, with settings as keyword arguments: `workers=2` for `RELAY_WORKERS=2`."""

    def __init__(self, upstream_url: str, **settings: object) -> None:
        """Describe a relay; it keeps its data in its own folder unless told otherwise."""
        self.port = free_port()
        values: dict[str, object] = {
            "upstream_url": upstream_url,
            "port": self.port,
            "workers": 1,
            "secret_keys": SIGNING_KEY,
            "handshakes_per_minute": 1_000_000,
            "log_format": "json",
            **settings,
        }
        self._workers = int(str(values["workers"]))
        environment = {f"RELAY_{name.upper()}": str(value) for name, value in values.items()}
        super().__init__("serve", ELEVENLABS_API_KEY=KEY, **environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serves(self) -> bool:
        """Whether every worker has started, and one has answered."""
        started = self.log.count('"event": "worker started"')
        return started >= self._workers and answers(f"{self.url}/healthz")

    def workers(self) -> set[int]:
        """Process ids of the workers, where there are several."""
        return {pid for pid in self.children() if "spawn_main" in _command_line(pid)}

    @staticmethod
    def kill_worker(pid: int) -> None:
        """End one as a crash would."""
        os.kill(pid, signal.SIGKILL)


def answers(url: str) -> bool:
    """Whether somebody answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def is_alive(pid: int) -> bool:
    """Whether a process is there, a zombie included."""
    return Path(f"/proc/{pid}").exists()


def _children(pid: int) -> set[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return set()
    return {int(child) for child in listed.split()}


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
