"""No secret and no word of anybody is in what any process writes, whatever breaks."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soundfile

from relay.auth.passwords import Passwords
from relay.protocol.messages import SUBPROTOCOL
from relay.store.api_keys import ApiKeys
from relay.store.database import Database
from relay.store.users import Users
from tests.support.processes import RelayProcess, SimulatorProcess
from tests.support.redis import RedisServer
from tests.support.relay import Client
from tests.support.settings import KEY, PROXY, SIGNING_KEY
from tests.support.spawned import run
from tests.support.talk import FORMAT, RATE, caller, speak
from tests.support.treacherous import treacherous_provider

WORDS = "flabbergasted quokkas"
"""What everybody is understood to say."""

REDIS_PASSWORD = "the-password-of-redis-4711"
DATABASE_PASSWORD = "the-password-of-postgres-0815"
METRICS_TOKEN = "the-token-of-prometheus-1234"
PASSWORD = "correct horse battery staple"
WRONG_PASSWORD = "Tr0ub4dor-and-3-tries"


@dataclass
class Secrets:
    """Everything that was secret in this test; each is added where it is made."""

    texts: list[str] = field(default_factory=list)

    def keep(self, text: str) -> str:
        assert len(text) >= 12, "so short a text may stand anywhere by chance"
        self.texts.append(text)
        return text

    def found_in(self, output: str) -> list[str]:
        return [text for text in self.texts if text in output]


@dataclass
class Scene:
    relay: RelayProcess
    simulator: SimulatorProcess
    redis: RedisServer
    key: str
    secrets: Secrets


@contextmanager
def starting(*programs: RelayProcess | SimulatorProcess) -> Iterator[None]:
    """Start all at once, since each takes a second or two."""
    with ExitStack() as stack:
        for program in programs:
            program.launch()
            stack.callback(program.clear_away)
        for program in programs:
            program.wait_until_it_serves()
        yield


async def furnish(url: str, secrets: Secrets) -> str:
    """Add a user with a password; make a server key."""
    database = Database(url)
    try:
        hashed = await Passwords().hash(PASSWORD)
        await Users(database).add("anna", hashed, is_operator=True)
        _, key = await ApiKeys(database).create("server", {})
    finally:
        await database.aclose()
    secrets.keep(key.rpartition("_")[2])
    return key


@asynccontextmanager
async def everything(folder: Path, secrets: Secrets) -> AsyncIterator[Scene]:
    """A relay with a password for everything, and a treacherous provider; a simulator."""
    user = f"--user relay on >{REDIS_PASSWORD} ~* &* +@all"
    with RedisServer(*user.split(" ")) as redis:
        async with treacherous_provider(WORDS) as provider:
            database_url = f"sqlite:///{folder}/relay.db"
            relay = RelayProcess(
                provider.url,
                workers=2,
                log_level="debug",
                redis_url=redis.url.replace("//", f"//relay:{REDIS_PASSWORD}@"),
                database_url=database_url,
                metrics_token=METRICS_TOKEN,
                tracing=True,  # to a collector that isn't there
                **PROXY,
            )
            simulator = SimulatorProcess(f"--text={WORDS}", "--log-level=debug")
            with starting(simulator, relay):
                key = await furnish(database_url, secrets)
                yield Scene(relay, simulator, redis, key, secrets)


async def sign_in(scene: Scene) -> None:
    """Sign in with wrong and right passwords and links, as a page and as a program."""
    url = scene.relay.url
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, cookie_jar=jar, headers={"origin": url}) as http:
        for password in (WRONG_PASSWORD, PASSWORD):
            person = {"name": "anna", "password": password}
            async with http.post("/api/login", json=person) as answer:
                assert answer.ok is (password == PASSWORD)
        async with http.post("/login", data={"name": "anna", "password": WRONG_PASSWORD}):
            pass
        (cookie,) = [each.value for each in jar]
        scene.secrets.keep(cookie)
        link = scene.secrets.keep("no-such-link-0123456789abcdef")
        async with http.get(f"/login?link={link}"):
            pass
        async with http.post("/api/login/link", json={"link": link}) as answer:
            assert answer.status == 401
        async with http.get("/ops") as answer:
            assert answer.status == 200
        async with http.post("/api/users/anna/link", json={}) as answer:
            made = json.loads(await answer.text())
            scene.secrets.keep(made["path"].rpartition("=")[2])
        wrong = {"Authorization": f"Bearer {scene.secrets.keep('a-guess-at-the-metrics-token')}"}
        for shown in ({"Authorization": f"Bearer {METRICS_TOKEN}"}, wrong):
            async with http.get("/metrics", headers=shown):
                pass
        # What is no use as a header or a path is a secret all the same.
        wrong = {"X-Relay-Proxy-Secret": scene.secrets.keep("a-guess-at-the-proxys-secret")}
        async with http.get(f"/nothing?xi-api-key={scene.key}", headers=wrong) as answer:
            assert answer.status == 404


async def speak_with_tickets(scene: Scene) -> None:
    """Use a ticket, use it again, make one up; come back with a token, and with a wrong one."""
    url = scene.relay.url
    async with (
        aiohttp.ClientSession(url, headers={"xi-api-key": scene.key}) as http,
        http.post("/v1/single-use-token/realtime_scribe", json={}) as answer,
    ):
        good = scene.secrets.keep(json.loads(await answer.text())["token"])
    made_up = scene.secrets.keep(f"{secrets.token_urlsafe(24)}.{secrets.token_urlsafe(24)}")
    token = ""
    for ticket in (good, good, made_up):
        offered = (SUBPROTOCOL, f"ticket.{ticket}")
        async with Client(url, subprotocols=offered, **FORMAT) as client:
            if not token:
                started = await client.event("session_started")
                token = scene.secrets.keep(str(started["resume_token"]))
                await speak(client, 0.5, speed=None)
                await client.say("commit")
                assert (await client.event("committed_transcript"))["text"] == WORDS
                client.connection.transport.abort()
            else:
                assert await client.closed() == 4401
    wrong = f"{token[:-8]}{secrets.token_hex(4)}"
    for shown in (token, wrong):
        offered = (SUBPROTOCOL, f"resume.{shown}")
        point: dict[str, Any] = {**FORMAT, "last_seq": 0, "from_sample": 0}
        async with Client(url, subprotocols=offered, **point) as client:
            if shown == wrong:
                assert await client.closed() == 4401
            else:
                await client.event("session_resumed")
                await client.connection.send(b"\0\0\0")  # no whole frames: the session fails
                assert await client.closed() == 4400
    async with caller(url, scene.secrets.keep(f"srk_{'0' * 32}_{secrets.token_hex(16)}")) as client:
        assert await client.closed() == 4401


async def speak_to_the_treacherous(scene: Scene) -> None:
    """Have the provider refuse, complain, break and lie, in five sessions at once."""

    async def session() -> None:
        async with caller(scene.relay.url, scene.key) as client:
            scene.secrets.keep(str((await client.event("session_started"))["resume_token"]))
            await speak(client, 0.5, speed=None)
            await client.say("commit")
            final = await client.event("committed_transcript")
            assert WORDS in final["text"]
            assert KEY not in json.dumps(client.events)
            await client.say("stop")
            await client.closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(session())


async def transcribe(scene: Scene, folder: Path) -> str:
    """Transcribe by a relay inside the command; what is written beside the transcript."""
    soundfile.write(folder / "talk.wav", np.full(RATE, 0.1), RATE)
    environment = {"RELAY_UPSTREAM_URL": scene.simulator.url, "ELEVENLABS_API_KEY": KEY}
    command = ("transcribe", folder / "talk.wav", f"--key={scene.key}", "--commit-strategy=manual")
    ended = await run(*command, environment=environment)
    assert ended.stdout.strip() == WORDS, ended.stderr
    return ended.stderr


async def start_in_vain(command: str) -> str:
    """Run a command that can reach neither database nor Redis, with passwords for both."""
    environment = {
        "ELEVENLABS_API_KEY": KEY,
        "RELAY_SECRET_KEYS": SIGNING_KEY,
        "RELAY_UPSTREAM_URL": "ws://127.0.0.1:1",
        "RELAY_DATABASE_URL": f"postgresql://relay:{DATABASE_PASSWORD}@127.0.0.1:1/relay",
        "RELAY_REDIS_URL": f"redis://relay:{REDIS_PASSWORD}@127.0.0.1:1/0",
        "RELAY_TRUSTED_PROXIES": PROXY["trusted_proxies"],
        "RELAY_PROXY_SECRET": PROXY["proxy_secret"],
        "RELAY_PORT": "0",
        "RELAY_LOG_LEVEL": "debug",
    }
    ended = await run(command, environment=environment)
    assert ended.code != 0
    return ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(240)  # ten processes start in it
async def test_no_secret_and_no_word_of_anybody_is_logged_whatever_breaks(tmp_path: Path) -> None:
    kept = Secrets([KEY, SIGNING_KEY, PROXY["proxy_secret"], REDIS_PASSWORD, DATABASE_PASSWORD])
    kept.keep(METRICS_TOKEN)
    kept.texts += [PASSWORD, WRONG_PASSWORD]
    async with everything(tmp_path, kept) as scene:
        async with asyncio.TaskGroup() as group:
            commands = [
                group.create_task(start_in_vain("serve")),
                group.create_task(start_in_vain("doctor")),
                group.create_task(transcribe(scene, tmp_path)),
            ]
            group.create_task(sign_in(scene))
            group.create_task(speak_with_tickets(scene))
            group.create_task(speak_to_the_treacherous(scene))
        scene.redis.stop()
        async with caller(scene.relay.url, scene.key) as client:
            assert await client.closed() == 4503
        scene.relay.kill_worker(min(scene.relay.workers()))
        for program in (scene.relay, scene.simulator):
            program.terminate()
            program.wait()
        logs = [scene.relay.log, scene.simulator.log]
    in_relay = lines_of(logs[0])
    assert {"session refused", "upstream broke", "Redis is away"} <= {
        each["event"] for each in in_relay
    }
    for output in (*logs, *(command.result() for command in commands)):
        assert not kept.found_in(output)
        assert not [word for word in WORDS.split() if word in output]
    of_sessions = [line for line in in_relay if line["logger"] == "relay.session"]
    assert all("session_id" in each or each["event"] == "session refused" for each in of_sessions)


def lines_of(log: str) -> list[dict[str, Any]]:
    """Every line of a structured log."""
    return [json.loads(line) for line in log.splitlines()]
