"""A sound card that needs no hardware: what is played into it is what its microphone hears."""

import asyncio
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.support.waiting import until

MICROPHONE: Final = "microphone"
"""The sink whose monitor is the microphone."""

PROMPT: Final = ("nice", "-n", "-15")
"""Before a command that serves sound: a machine busy with other tests would else serve it too late.
Without the right to it, it is just a warning."""

RATE: Final = 48_000
"""In Hz: that of the files, so that nothing is resampled on the way."""

SETUP: Final = (
    "module-native-protocol-unix",
    # Firefox's AudioContext stands still where nothing can be heard.
    f"module-null-sink sink_name=loudspeaker rate={RATE}",
    f"module-null-sink sink_name={MICROPHONE} rate={RATE}",
    f"module-remap-source master={MICROPHONE}.monitor source_name=voice rate={RATE}",
)


class PulseAudio:
    """A running server; `environment` leads programs to it."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }

    async def run(self, *command: str) -> None:
        """Run a program to its end."""
        process = await self.start(*command)
        assert await process.wait() == 0, command

    async def start(self, *command: str) -> Process:
        """Start a program."""
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdout=DEVNULL, stderr=DEVNULL
        )

    async def play(self, file: Path) -> None:
        """Say a file into the microphone; returns when it has been said."""
        # Two seconds ahead, so that it can't come too late.
        player = (*PROMPT, "paplay", "--latency-msec=2000", f"--device={MICROPHONE}")
        await self.run(*player, str(file))

    async def is_up(self) -> bool:
        """Whether it answers."""
        return await (await self.start("pactl", "info")).wait() == 0


@asynccontextmanager
async def pulse_audio() -> AsyncIterator[PulseAudio]:
    """Start a server with a loudspeaker and a microphone."""
    # Not in a test's own folder: a socket's path has 108 bytes at most.
    with tempfile.TemporaryDirectory(prefix="scribe-relay-sound-") as folder:
        sound = PulseAudio(Path(folder))
        loads = (f"--load={module}" for module in SETUP)
        server = await sound.start(
            *PROMPT, "pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", *loads
        )
        try:
            await until(sound.is_up, "PulseAudio")
            await sound.run("pactl", "set-default-source", "voice")
            await sound.run("pactl", "set-default-sink", "loudspeaker")
            yield sound
        finally:
            server.terminate()
            await server.wait()
