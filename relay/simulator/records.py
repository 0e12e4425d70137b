"""What was received: for tests, for the control call, and as WAV files."""

import asyncio
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from relay.audio.pcm import Int16, WireFormat
from relay.scribe.parameters import Parameters
from relay.simulator.actions import Commit
from relay.simulator.credentials import Credential

ABNORMAL_CLOSURE: Final = 1006
"""What stands for a line that broke. *Source*: RFC 6455, section 7.1.5."""


@dataclass(eq=False)
class ConnectionRecord:
    """What one socket brought. Positions are samples from its first audio."""

    session_id: str
    opened: float
    """When, on the event loop's clock."""
    query: tuple[tuple[str, str], ...] = ()
    """All but the token."""
    credential: Credential | None = None
    parameters: Parameters | None = None
    """`None` if the session was refused before they were looked at, or because of them."""
    samples: int = 0
    messages: int = 0
    commits: list[Commit] = field(default_factory=list)
    previous_text: str | None = None
    errors: list[str] = field(default_factory=list)
    """The types of the errors that were sent."""
    finals: int = 0
    """Plain finals that were sent."""
    closed: float | None = None
    close_code: int | None = None
    """The client's, or ours where we closed; 1006 if the line broke or was dropped."""
    closed_by_client: bool = False
    """Whether the client closed, with or without a close frame."""
    payload: bytearray | None = None
    """The audio as it came; `None` if it isn't recorded."""

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def audio(self) -> Int16:
        """The audio as samples at the rate of its format.

        Raises:
            RuntimeError: If the simulator doesn't record audio, or the session was refused.
        """
        if self.payload is None or self.parameters is None:
            raise RuntimeError("No audio was recorded: start the simulator with record_audio=True")
        return WireFormat(self.parameters.audio_format).unpack(bytes(self.payload))

    def as_fields(self) -> dict[str, Any]:
        """Write all but the audio as a JSON object."""
        return {
            "session_id": self.session_id,
            "is_open": self.is_open,
            "credential": self.credential,
            "query": self.query,
            "samples": self.samples,
            "messages": self.messages,
            "commits": self.commits,
            "finals": self.finals,
            "errors": self.errors,
            "close_code": self.close_code,
            "closed_by_client": self.closed_by_client,
        }


class WavDump:
    """Write one socket's audio to a file, as it comes; µ-law is expanded to 16 bits."""

    def __init__(self, path: Path, wire_format: WireFormat) -> None:
        self._format = wire_format
        self._file = wave.open(str(path), "wb")  # noqa: SIM115  # closed with the socket
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(wire_format.rate)

    def write(self, payload: bytes) -> None:
        self._file.writeframesraw(self._format.unpack(payload).astype("<i2", copy=False).tobytes())

    def close(self) -> None:
        """Complete the header, which holds the length."""
        self._file.close()


class Changes:
    """Let somebody wait for a condition on what the simulator knows."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def notify(self) -> None:
        """Look at the conditions again, since something has changed; free if nobody waits."""
        for is_met, future in self._waiting:
            if not future.done() and is_met():
                future.set_result(None)

    async def wait_for(
        self,
        is_met: Callable[[], bool],
        timeout: float,  # noqa: ASYNC109  # what is waited for may never come; tests need one line
    ) -> None:
        """Wait until a condition holds, looking at every change.

        Raises:
            TimeoutError: If it doesn't in `timeout` seconds.
        """
        if is_met():
            return
        waiting = (is_met, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout):
                await waiting[1]
        finally:
            self._waiting.remove(waiting)
