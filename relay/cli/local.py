"""A relay inside this process, with a simulator where there is no key for the real provider."""

import asyncio
import contextlib
import importlib.util
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import uvloop
from pydantic import SecretStr

from relay.cli.exits import CommandFailed
from relay.cli.options import listening
from relay.server import RelayServer
from relay.services import Services
from relay.settings import Settings
from relay.simulator.engines import Engine
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.engines.sphinx import SphinxEngine
from relay.simulator.server import Simulator

T = TypeVar("T")
EngineName: TypeAlias = Literal["pocketsphinx", "scripted"]

SIMULATOR_KEY = SecretStr("simulator")
"""The simulator takes any key but an empty one."""

INSTALL = "install pocketsphinx (pip install 'scribe-relay[demo]', on a Python before 3.14)"


@dataclass(frozen=True)
class LocalRelay:
    """A relay that runs until its context ends."""

    url: str
    upstream_url: str
    services: Services
    engine: EngineName | None
    """Of the simulator; `None` where the real provider answers."""

    @property
    def answers(self) -> str:
        """Say in one sentence where the words come from."""
        return describe_answers(self.engine, self.upstream_url)


def describe_answers(engine: EngineName | None, upstream_url: str) -> str:
    """Say in one sentence where the words come from; no engine stands for the real provider."""
    match engine:
        case None:
            return f"The provider answers ({upstream_url})."
        case "pocketsphinx":
            return (
                "The simulator answers: it recognises English speech offline, roughly. "
                "Set ELEVENLABS_API_KEY for the real service."
            )
        case "scripted":
            cure = "" if default_engine() == "pocketsphinx" else f"{INSTALL}, or "
            return (
                "The simulator answers with a script, whatever is said; to have speech "
                f"recognised, {cure}set ELEVENLABS_API_KEY for the real service."
            )


def default_engine() -> EngineName:
    """Choose the engine that recognises speech, where it is installed."""
    return "pocketsphinx" if importlib.util.find_spec("pocketsphinx") else "scripted"


def make_engine(name: EngineName, texts: Sequence[str] = ()) -> Engine:
    """Make an engine of the simulator, which starts and closes it.

    Args:
        name: Which.
        texts: What a scripted one says.

    Raises:
        CommandFailed: If the recogniser isn't installed.
    """
    if name == "scripted":
        return ScriptedEngine(texts)
    if default_engine() != name:
        raise CommandFailed(f"pocketsphinx is not installed: {INSTALL}.")
    return SphinxEngine()


@contextlib.asynccontextmanager
async def local_relay(
    settings: Settings,
    *,
    simulator_port: int = 0,
    engine: EngineName | None = None,
    force_simulator: bool = False,
) -> AsyncIterator[LocalRelay]:
    """Run a relay on the settings' host and port.

    The real provider answers if there is a key for it, else a simulator in this process.

    Args:
        settings: The relay's.
        simulator_port: 0 takes a free one.
        engine: The simulator's; by default the best that is installed.
        force_simulator: Leave the real provider alone although there is a key.

    Raises:
        CommandFailed: If a port is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if settings.elevenlabs_api_key is not None and not force_simulator:
            engine = None
        else:
            engine = engine or default_engine()
            with listening("127.0.0.1", simulator_port, "--simulator-port"):
                simulator = await stack.enter_async_context(
                    Simulator(port=simulator_port, engine=make_engine(engine))
                )
            settings = settings.model_copy(
                update={"upstream_url": simulator.url, "elevenlabs_api_key": SIMULATOR_KEY}
            )
        with listening(settings.host, settings.port, "--port"):
            relay = await stack.enter_async_context(RelayServer(settings))
        services: Services = relay.app.state.services
        yield LocalRelay(relay.url, settings.upstream_base_url, services, engine)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@contextlib.contextmanager
def interruption() -> Iterator[asyncio.Event]:
    """Take Ctrl-C and SIGTERM as an event; after the context they stop the process at once.

    Enter it before telling anybody that there is something to stop.
    """
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, came.set)
    try:
        yield came
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
