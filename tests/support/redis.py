"""A real Redis, started on a port of the test's own."""

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port
from tests.support.waiting import wait_until


class RedisServer:
    """`redis-server` from the system's package, without persistence.

    with RedisServer() as server:
        SharedState.connect(server.url)
    """

    def __init__(self, *arguments: str, port: int | None = None, sentinel: bool = False) -> None:
        """Describe a server; `arguments` are added to its command line."""
        self.port = port or free_port()
        self._arguments = arguments
        self._sentinel = sentinel
        self._folder = Path(tempfile.mkdtemp(prefix="scribe-relay-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = ["redis-server"]
        if self._sentinel:
            config = self._folder / "sentinel.conf"
            if not config.exists():
                config.write_text("\n".join((f"port {self.port}", *self._arguments, "")))
            command += [str(config), "--sentinel"]
        else:
            command += ["--port", str(self.port), "--save", "", *self._arguments]
        command += ["--bind", "127.0.0.1", "--dir", str(self._folder), "--loglevel", "warning"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(lambda: _answers(self.port), f"redis-server on port {self.port} to answer")

    def stop(self) -> None:
        """End it at once, as a crash would; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

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


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
