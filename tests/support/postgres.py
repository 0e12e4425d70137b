"""A real PostgreSQL, started on a port and in a folder of the test's own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.support.ports import free_port

DEADLINE = 20.0
"""Seconds that a server has to come up or go down."""

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu put each version's."""


class PostgresServer:
    """`postgres` from the system's package; what it holds is forgotten with it.

    with PostgresServer() as server:
        Database(server.create_database())
    """

    def __init__(self) -> None:
        """Describe a server; `initdb` runs at the start."""
        self.port = free_port()
        self._programs = _find_programs()
        self._folder = Path(tempfile.mkdtemp(prefix="scribe-relay-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root; the package brings a user of its own.
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and wait until it answers; a server that was stopped has its databases still."""
        data = self._folder / "data"
        if not data.exists():
            self._run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync")
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "log_min_messages": "fatal",
        }
        command = [str(self._programs / "postgres"), "-D", str(data)]
        command += [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            command, cwd=self._folder, start_new_session=True, **self._user
        )
        end = time.monotonic() + DEADLINE
        while not self._answers():
            assert self._process.poll() is None, "postgres ended before it answered"
            assert time.monotonic() < end, f"waited {DEADLINE:g} s for postgres to answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """End at once, as a crash would; what was committed is there at the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(DEADLINE)
            self._process = None

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """End a `pause`."""
        self._signal_all(signal.SIGCONT)

    def create_database(self) -> str:
        """Make a database without tables.

        Returns:
            Its URL.
        """
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Do something as the owner of all databases."""
        self._run("psql", "--no-psqlrc", "--quiet", "-c", statement, self.url("postgres"))

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-U", "postgres"]
        return subprocess.run([*command, "-p", str(self.port)], cwd="/").returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            **self._user,
        )

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        # Each connection is served by a process of its own, which leads a group of its own.
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for pid in (self._process.pid, *map(int, children.split())):
            os.kill(pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _find_programs() -> Path:
    folders = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not folders:
        pytest.fail(
            "These tests need PostgreSQL's server, which is not installed: run "
            "scripts/system-packages postgresql (that is the package on Debian and Ubuntu)."
        )
    return folders[-1].parent
