"""`scribe-relay simulate` as a process."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
import trustme

from relay.cli.exits import Exit
from tests.support.audio_files import write_tone
from tests.support.invoked import invoke, invoke_beside
from tests.support.relay import relay_to
from tests.support.settings import KEY
from tests.support.spawned import Running, command, run

SCRIPTED = ("simulate", "--port", "0", "--engine", "scripted")


@asynccontextmanager
async def simulate(*arguments: str | Path) -> AsyncIterator[tuple[Running, str]]:
    """Run a simulator that follows a script; it, and its URL."""
    async with command(*SCRIPTED, *arguments) as running:
        await running.says("RELAY_UPSTREAM_URL=")
        (url,) = re.findall(r"^Simulator  (\S+)$", running.stdout, re.MULTILINE)
        assert running.stdout.endswith(f"Relay to it: RELAY_UPSTREAM_URL={url}\n")
        yield running, url


async def transcribe(file: Path, upstream_url: str, **settings: object) -> str:
    """What a relay to that upstream makes of a file; its complaint if it makes nothing."""
    async with relay_to(upstream_url, **settings) as relay:
        ended = await invoke_beside(
            *("transcribe", file, "--url", relay.url, "--key", relay.key),
            *("--reconnect-seconds", "0"),
        )
    return ended.stdout or ended.stderr


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "tone.wav")


async def test_it_says_what_it_was_told_and_keeps_what_it_heard(tone: Path) -> None:
    folder = tone.with_name("received")
    texts = ("--text", "guten Tag", "--text", "bis bald")
    async with simulate(*texts, "--dump", folder) as (running, url):
        assert await transcribe(tone, url) == "guten Tag\n"
        await running.says("connection closed")
        (dumped,) = folder.iterdir()
        samples, rate = soundfile.read(dumped)
        assert (len(samples), rate) == (16_000, 16_000)
        closed = [line for line in running.log() if line["event"] == "connection closed"]
        assert closed[0]["samples"] == 16_000


async def test_tls_with_a_certificate_of_ones_own(tone: Path) -> None:
    authority = trustme.CA()
    certificate, key, ca_file = (tone.with_name(name) for name in ("cert", "key", "ca"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca_file)
    async with simulate("--tls-cert", certificate, "--tls-key", key) as (_, url):
        assert url.startswith("wss://127.0.0.1:")
        assert "heard 16000 samples" in await transcribe(tone, url, upstream_ca_file=ca_file)
        complaint = await transcribe(tone, url, upstream_outage_limit=1)
        assert "certificate is not trusted" in complaint


async def test_only_its_keys_are_accepted(tone: Path) -> None:
    async with simulate("--api-key", "other", "--api-key", KEY) as (_, url):
        assert "heard 16000 samples" in await transcribe(tone, url)
        assert "auth_error" in await transcribe(tone, url, key="wrong")


async def test_faults_come_in_their_order(tone: Path) -> None:
    faults = ("error,error_type=queue_overflow", "refuse_handshake,status=503,skip=1")
    async with simulate("--fault", faults[0], "--fault", faults[1]) as (running, url):
        assert "heard 16000 samples" in await transcribe(tone, url)
        await running.says('"samples": 16000')
        told = [
            line.get("errors") or line["event"]
            for line in running.log()
            if line["event"] in ("connection closed", "handshake refused")
        ]
        assert told[:2] == [["queue_overflow"], "handshake refused"]


@pytest.mark.parametrize("stop", [Running.interrupt, Running.terminate])
async def test_it_ends_in_order(stop: object) -> None:
    assert callable(stop)
    async with simulate() as (running, _):
        stop(running)
        assert (await running.ended(10)).code == Exit.OK


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--fault", "explode"), "'explode': "),
        (("--fault", "drop,after_samples=soon"), "after_samples"),
        (("--fault", "error"), "`error_type` belongs to kind `error`"),
        (("--engine", "pocketsphinx", "--text", "x"), "--text is for --engine scripted"),
        (("--tls-key", __file__), "--tls-key needs --tls-cert"),
        (("--max-sessions", "0"), "0 is not in the range"),
        (("--dump", __file__), "is a file"),
    ],
)
def test_wrong_command_line_is_explained(flags: tuple[str, ...], says: str) -> None:
    ended = invoke("simulate", *flags)
    assert ended.code == Exit.USAGE
    assert says in ended.stderr


async def test_certificate_that_is_none_is_told() -> None:
    ended = await run(*SCRIPTED, "--tls-cert", __file__)
    assert ended.code == Exit.FAILURE
    assert ended.complaints[0].startswith(f"{__file__} and its key can't be used (")
    assert "(None)" not in ended.complaints[0]


def test_folder_that_cannot_be_made_is_told() -> None:
    ended = invoke(*SCRIPTED, "--dump", Path(__file__) / "received")
    assert ended.code == Exit.FAILURE
    assert ended.complaints == [f"{__file__}/received can't be made: Not a directory."]
