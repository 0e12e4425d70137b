"""The servers that are measured, each in processes of its own on one core."""

import asyncio
import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.provider import HOST, Provider
from tests.support.node import NODE
from tests.support.node import install as install_packages
from tests.support.ports import free_port
from tests.support.processes import answers
from tests.support.redis import RedisServer
from tests.support.settings import KEY

ROOT: Final = Path(__file__).parents[1]

START_TIMEOUT: Final = 60.0
"""Seconds; pipecat takes several."""

PIPECAT_PYTHON: Final = ROOT / ".venv/pipecat/bin/python"
PIPECAT_LOCK: Final = ROOT / "requirements/pipecat.lock"
NODE_PACKAGE: Final = ROOT / "bench/node"

_PR_SET_PDEATHSIG: Final = 1
"""Source: linux/prctl.h."""

_USABLE: Final = sorted(os.sched_getaffinity(0))
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def cores() -> tuple[int, int]:
    """The core of the server under test, and that of everything else."""
    return _USABLE[0], _USABLE[-1]


def prepare() -> None:
    """Stay on the core that isn't the server's, and let all have many sockets."""
    os.sched_setaffinity(0, {cores()[1]})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def pinned(core: int) -> Callable[[], None]:
    """What a new process calls to stay on a core, and to end with us however we do."""

    def call() -> None:
        os.sched_setaffinity(0, {core})
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return call


@dataclass(frozen=True)
class Running:
    """A server that takes sessions."""

    url: str
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)
    redis: "RedisUse | None" = None
    knows_stop: bool = False
    """Whether a client may say that it has said all."""
    keeps_audio: bool = False
    """Whether audio is kept until its final is there."""

    def cpu(self) -> float:
        """Seconds of processor time so far, of all its processes."""
        return sum(cpu_of(pid) for pid in self.pids())

    def memory(self) -> int:
        """Bytes of all its processes that are in memory."""
        return sum(
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in self.pids()
        )

    def pids(self) -> list[int]:
        """Its processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


def cpu_of(pid: int) -> float:
    """Seconds of processor time of one process so far."""
    # The name of a program may hold spaces; what follows its bracket doesn't.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


class RedisUse:
    """What the relay asks of Redis."""

    def __init__(self, port: int, pid: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._port = port
        self._pid = pid

    def calls(self) -> dict[str, int]:
        """Commands so far, by name; those within scripts too."""
        return {
            name: int(calls)
            for name, calls in re.findall(
                r"cmdstat_([^:|]+)[^:]*:calls=(\d+)", self._info("commandstats")
            )
            if name not in ("info", "config", "client", "hello")
        }

    def called(self) -> int:
        """Times so far that a client sent something, be it a script or a command."""
        told = self._info("stats")
        (events,) = re.findall(r"total_reads_processed:(\d+)", told)
        return int(events)

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return cpu_of(self._pid)

    def _info(self, section: str) -> str:
        return subprocess.run(
            ["redis-cli", "-p", str(self._port), "info", section],
            check=True,
            capture_output=True,
            text=True,
        ).stdout


System = Callable[[Provider], AbstractAsyncContextManager[Running]]
"""Starts a server whose upstream is a provider, and ends it."""


@contextmanager
def redis() -> Iterator[RedisUse]:
    """A Redis on the core that isn't the server's."""
    with RedisServer() as server:
        pid = server.pid
        os.sched_setaffinity(pid, {cores()[1]})
        yield RedisUse(server.port, pid)


@asynccontextmanager
async def floor(provider: Provider) -> AsyncIterator[Running]:
    """What does the least."""
    arguments = (f"wss://{HOST}:{provider.port}/", provider.ca_file)
    async with _printing_port(sys.executable, "-m", "bench.floor", *arguments) as running:
        yield running


@asynccontextmanager
async def node(provider: Provider) -> AsyncIterator[Running]:
    """The one in Node."""
    arguments = (f"wss://{HOST}:{provider.port}/", provider.ca_file)
    async with _printing_port(NODE, NODE_PACKAGE / "relay.mjs", *arguments) as running:
        yield running


@asynccontextmanager
async def pipecat(provider: Provider) -> AsyncIterator[Running]:
    """The one made with pipecat."""
    arguments = (f"{HOST}:{provider.port}", provider.ca_file)
    script = ROOT / "bench/pipecat_relay.py"
    async with _printing_port(PIPECAT_PYTHON, script, *arguments) as running:
        yield running


@dataclass(frozen=True)
class Relay:
    """The relay as shipped: keys, limits, metrics, ledger, journal in Redis, stored transcripts."""

    query: str = "sample_rate=48000"
    workers: int = 1

    @asynccontextmanager
    async def __call__(self, provider: Provider) -> AsyncIterator[Running]:
        with redis() as state, _folder() as folder:
            port = free_port()
            values = {
                "upstream_url": f"wss://{HOST}:{provider.port}",
                "upstream_ca_file": provider.ca_file,
                "redis_url": state.url,
                "port": port,
                "workers": self.workers,
                # One key from one address stands for many people here.
                "max_sessions": 100_000,
                "handshakes_per_minute": 1_000_000,
                "limit_key_sessions": 100_000,
                "limit_key_connects_per_minute": 1_000_000,
            }
            settings = {f"RELAY_{name.upper()}": str(value) for name, value in values.items()}
            environment = {"PATH": "/usr/bin:/bin", "ELEVENLABS_API_KEY": KEY, **settings}
            command = [sys.executable, "-m", "relay"]
            create = [*command, "key", "create", "bench", "--quiet"]
            key = await asyncio.to_thread(
                subprocess.check_output, create, cwd=folder, env=environment, text=True
            )
            async with _running([*command, "serve"], folder, environment) as process:
                await _serves(process, port)
                url = f"ws://127.0.0.1:{port}/v1/stream?{self.query}"
                headers = {"xi-api-key": key.strip()}
                yield Running(url, process.pid, headers, state, knows_stop=True, keeps_audio=True)


@asynccontextmanager
async def _running(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[subprocess.Popen[str]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220  # it takes a millisecond
            [*map(str, command)],
            cwd=ROOT if environment is None else folder,
            env=environment,
            stdout=subprocess.PIPE if environment is None else log,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=pinned(cores()[0]),
        )
    try:
        yield process
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} has ended: {(folder / 'log').read_text()[-2000:]}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 1)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@asynccontextmanager
async def _printing_port(*command: str | Path) -> AsyncIterator[Running]:
    with _folder() as folder:
        async with _running(command, folder) as process:
            assert process.stdout is not None
            line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_TIMEOUT)
            if not line:
                raise RuntimeError(f"{command[0]} said: {(folder / 'log').read_text()[-2000:]}")
            yield Running(f"ws://127.0.0.1:{int(line)}/", process.pid)


async def _serves(process: subprocess.Popen[str], port: int) -> None:
    async with asyncio.timeout(START_TIMEOUT):
        while not answers(f"http://127.0.0.1:{port}/healthz"):
            if process.poll() is not None:
                raise RuntimeError("the relay did not start")
            await asyncio.sleep(0.05)


def install() -> None:
    """Install what the others need, from their locks."""
    installed = PIPECAT_PYTHON.parents[1] / "installed"
    if not installed.exists() or installed.stat().st_mtime < PIPECAT_LOCK.stat().st_mtime:
        uv = Path(sys.executable).parent / "uv"
        folder = PIPECAT_PYTHON.parents[1]
        subprocess.run(  # such packages may disagree with ours
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True
        )
        install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", PIPECAT_PYTHON]
        subprocess.run([*install, "--require-hashes", "-r", PIPECAT_LOCK], check=True)
        installed.touch()
    asyncio.run(install_packages(NODE_PACKAGE))


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="scribe-relay-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
