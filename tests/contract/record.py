"""Records all conversations anew: `python -m tests.contract.record`."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from relay.simulator.server import Simulator
from tests.contract.conversation import FOLDER, Conversation
from tests.contract.player import Player
from tests.contract.protocol import FILE, protocol
from tests.contract.recorder import Recorder
from tests.contract.scripts import SCRIPTS, Script
from tests.contract.told import told
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY


@asynccontextmanager
async def relay_for(settings: dict[str, Any]) -> AsyncIterator[Relay]:
    """A relay as a conversation wants it, and a provider that says which samples it heard."""
    async with (
        Simulator(api_keys=(KEY,)) as simulator,
        relay_to(simulator.url, **settings) as relay,
    ):
        yield relay


async def _record(script: Script) -> Conversation:
    async with relay_for(script.settings) as relay, Player(relay) as player:
        recorder = Recorder(player)
        await script.play(recorder)
    setting = {"settings": script.settings} if script.settings else {}
    first = {"about": script.about, **setting, **recorder.lines[0]}
    lines = [first, *recorder.lines[1:]]
    return Conversation(tuple(lines), told(lines))


async def _main() -> None:
    for name, script in SCRIPTS.items():
        (await _record(script)).write(FOLDER / f"{name}.jsonl")
    FILE.write_text(json.dumps(protocol(), indent=1) + "\n")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(_main())
