"""The TypeScript client in a browser, on a line that is gone for longer than its ring holds."""

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page

from relay.audio.pcm import Float32
from relay.simulator.server import Simulator
from tests.browser.test_package import ROOT, npm
from tests.browser.visiting import visit
from tests.support.exactness import check_exactness
from tests.support.people import ticket
from tests.support.proxy import Direction, Proxy
from tests.support.relay import Event, Relay, until_received
from tests.support.signals import identifiable_noise

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATE: Final = 16_000
"""Hz, as the provider takes it: where audio is missing, no filter begins anew."""

RING_SECONDS: Final = 1

LOST: Final = (round(3.2 * RATE), 5 * RATE)
"""Frames: from the last that the relay had to the first that the ring held when it came back."""

START: Final = """([url, spoken, tickets, rate, ringSeconds]) => {
  const samples = new Float32Array(Uint8Array.from(atob(spoken), byte => byte.charCodeAt()).buffer);
  window.raw = [];
  window.told = [];
  window.client = new ScribeRelay.RelayClient({
    url, ringSeconds, sampleRate: rate, commitStrategy: "manual", random: () => 0,
    credential: () => ({ ticket: tickets.shift() }),
    createSocket: (address, protocols) => {
      const socket = new WebSocket(address, protocols);
      socket.addEventListener("message", ({ data }) => raw.push(JSON.parse(data)));
      return socket;
    },
  });
  for (const name of ["segment", "gap", "resumed", "reconnecting", "problem", "ended"])
    client.on(name, value => told.push([name, value]));
  window.saidAll = false;
  window.say = (from, to) => {
    saidAll ||= to === 6;
    const length = rate / 20;
    for (let first = Math.round(from * rate); first < to * rate; first += length)
      client.send(samples.slice(first, first + length));
  };
  client.connect();
}"""


class Talk:
    """A client on a page, and what it was told."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.raw: list[Event] = []
        self.told: list[list[Any]] = []

    async def wait(self, condition: str) -> None:
        """Wait until an expression over `raw`, `told` and `client` is true."""
        await self.page.wait_for_function(condition, polling=20, timeout=20_000)

    async def read(self) -> None:
        self.raw, self.told = await self.page.evaluate("[raw, told]")

    def of(self, message_type: str) -> list[Event]:
        """What the relay said, over all connections."""
        return [event for event in self.raw if event["message_type"] == message_type]

    def events(self, name: str) -> list[Any]:
        """What the client told."""
        return [value for told, value in self.told if told == name]


async def bundle(folder: Path) -> Path:
    """The client as one script, which puts its exports into `ScribeRelay`."""
    script = folder / "client.js"
    source = ROOT / "web/src/index.ts"
    options = ("--format", "iife", "--name", "ScribeRelay", "--file", script)
    await npm("exec", "--", "rolldown", source, *options)
    return script


async def start(page: Page, station: Relay, port: int, spoken: Float32, script: Path) -> Talk:
    """Load the client into a page, and let it connect to a port."""
    await page.goto(station.url)
    await page.add_script_tag(path=script)
    tickets = [await ticket(station, {"xi-api-key": station.key}) for _ in range(2)]
    samples = base64.b64encode(spoken.astype("<f4").tobytes()).decode()
    await page.evaluate(START, [f"http://127.0.0.1:{port}", samples, tickets, RATE, RING_SECONDS])
    return Talk(page)


async def test_what_the_ring_did_not_hold_is_one_gap_and_nothing_else_is_missing(
    browser: Browser, scripted: Simulator, station: Relay, tmp_path: Path
) -> None:
    spoken = identifiable_noise(6.5, RATE, seed=1)
    script = await bundle(tmp_path)
    async with (
        Proxy(urlsplit(station.url).port or 0) as proxy,
        visit(browser, bypass_csp=True, tolerates="WebSocket") as page,
    ):
        talk = await start(page, station, proxy.port, spoken, script)
        await talk.wait("raw.length > 0")
        await page.evaluate("say(0, 2), client.commit()")
        await talk.wait("told.some(([name]) => name === 'segment')")
        # The next final is on its way when the line breaks.
        proxy.hold(Direction.DOWN)
        await page.evaluate("say(2, 3), client.commit(), say(3, 3.2)")
        await scripted.wait_for(lambda: len(scripted.connections[0].commits) == 2)
        session_id = await page.evaluate("raw[0].session_id")
        await until_received(station, session_id, LOST[0] / RATE)
        proxy.refuse(60)
        # Before the client dials: what it offers to the relay then, it keeps.
        await page.evaluate("void client.on('reconnecting', () => saidAll || say(3.2, 6))")
        proxy.cut()
        await talk.wait("saidAll")
        proxy.restore()
        await talk.wait("told.some(([name]) => name === 'resumed')")
        summary = await page.evaluate("(say(6, 6.5), client.stop())")
        await talk.read()

    (gap,) = talk.of("audio_gap")
    assert (gap["from_sample"], gap["to_sample"]) == LOST
    assert talk.events("gap") == [{"startSeconds": 3.2, "endSeconds": 5, "reason": "client_buffer"}]
    (mended,) = talk.events("resumed")
    assert mended["missingSeconds"] == 1.8
    segments = talk.events("segment")
    assert [segment["text"] for segment in segments] == [
        final["text"] for final in talk.of("committed_transcript")
    ]
    assert [segment["endSeconds"] for segment in segments] == [2, 3, 5, 6.5]
    assert summary["segments"] == 4
    check_exactness(talk, scripted, spoken, RATE, gaps=[LOST])
