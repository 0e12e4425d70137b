"""Each check against real servers, those that are well and those that aren't."""

import asyncio
import datetime
import email.utils
import os
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, serve

from relay.doctor import Finding, Status, examine, examine_relay, findings, line, provider
from relay.doctor.analysis import check_moderation
from relay.doctor.line import check_http, check_stream
from relay.doctor.provider import (
    EXPLANATIONS,
    check_clock,
    check_dns,
    check_session,
    check_tcp,
    check_tls,
)
from relay.doctor.storage import check_database, check_redis
from relay.settings import Settings
from relay.simulator.behaviour import Behaviour
from relay.simulator.faults import Fault, FaultKind
from relay.simulator.server import Simulator
from relay.store import Database
from tests.support.peers import answer, idle_proxy, talking
from tests.support.ports import free_port
from tests.support.redis import RedisServer
from tests.support.relay import Relay, relay_to
from tests.support.settings import KEY, settings_for
from tests.support.store import postgres_server, shared_url

__all__ = ["postgres_server", "shared_url"]

Script = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(api_keys=(KEY,)) as running:
        yield running


@pytest.fixture
async def relay(simulator: Simulator) -> AsyncIterator[Relay]:
    async with relay_to(simulator.url) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can bear."""
    for module in (findings, line, provider):
        monkeypatch.setattr(module, "TIMEOUT", 0.2)


@asynccontextmanager
async def scripted(script: Script, **options: Any) -> AsyncIterator[str]:
    """A WebSocket server; its base URL."""
    async with serve(script, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


# The whole.


async def found(findings: AsyncIterator[Finding]) -> dict[str, Status]:
    return {finding.check: finding.status async for finding in findings}


async def test_all_is_well_with_a_simulator(simulator: Simulator) -> None:
    checks = ["versions", "key", "database", "redis", "dns", "tcp", "clock", "session"]
    assert await found(examine(settings_for(simulator.url))) == dict.fromkeys(checks, Status.OK)


async def test_a_moderation_service_is_asked(simulator: Simulator) -> None:
    url = f"{simulator.url.replace('ws', 'http', 1)}/v1/moderations"
    asked = await check_moderation(settings_for(moderation_url=url, moderation_key="any"))
    assert asked is not None
    assert asked.status is Status.OK
    refused = await check_moderation(settings_for(moderation_url=url))
    assert refused is not None
    assert (refused.status, "HTTP 401" in refused.text) == (Status.FAIL, True)
    assert "RELAY_MODERATION_URL" in refused.advice
    assert await check_moderation(settings_for()) is None


async def test_all_is_well_behind_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    async with Simulator(api_keys=(KEY,), ssl_context=server_side(authority)) as simulator:
        settings = settings_for(simulator.url, upstream_ca_file=tmp_path / "ca.pem")
        statuses = await found(examine(settings))
    checks = ["versions", "key", "database", "redis", "dns", "tls", "clock", "session"]
    assert statuses == dict.fromkeys(checks, Status.OK)


@pytest.mark.parametrize(
    ("url", "last"),
    [
        ("wss://nobody.invalid", "dns"),
        ("wss://two..dots", "dns"),
        ("wss://127.0.0.1:1", "tls"),
        ("ws://127.0.0.1:1", "tcp"),
    ],
)
async def test_what_a_failure_explains_is_not_checked(url: str, last: str) -> None:
    statuses = await found(examine(settings_for(url)))
    assert list(statuses)[-1] == last
    assert statuses[last] is Status.FAIL


async def test_without_a_key_no_session_is_tried(simulator: Simulator) -> None:
    statuses = await found(examine(settings_for(simulator.url, key=None)))
    assert statuses["key"] is Status.WARN
    assert "session" not in statuses
    assert simulator.connections == []


async def test_relay_that_is_well(relay: Relay) -> None:
    for url in (relay.url, f"{relay.url}/", relay.url.replace("http", "ws")):
        assert await found(examine_relay(url, key=relay.key, idle=0.1)) == {
            "healthz": Status.OK,
            "readyz": Status.OK,
            "stream": Status.OK,
        }


async def test_relay_that_is_down() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (finding,) = [finding async for finding in examine_relay(url, key=None, idle=1)]
    assert finding.status is Status.FAIL
    assert finding.text.startswith(f"{url}/healthz can't be reached: ")
    assert "that the relay runs" in finding.advice


@pytest.mark.parametrize("url", ["localhost:8000", "", "http://", "nonsense"])
async def test_address_that_is_none(url: str) -> None:
    assert await found(examine_relay(url, key=None, idle=1)) == {"healthz": Status.FAIL}


async def test_relay_that_lacks_its_provider() -> None:
    async with relay_to(f"ws://127.0.0.1:{free_port()}") as relay:
        findings = [finding async for finding in examine_relay(relay.url, key=relay.key, idle=0)]
    assert [finding.status for finding in findings[:2]] == [Status.OK, Status.FAIL]
    assert findings[1].text.startswith('It can\'t serve sessions now. HTTP 503: {"ready":false')


# One by one.


async def test_name_is_resolved() -> None:
    finding = await check_dns("localhost", 80)
    assert finding.status is Status.OK
    assert "127.0.0.1" in finding.text


async def test_name_that_nobody_has() -> None:
    finding = await check_dns("nobody.invalid", 443)
    assert finding.status is Status.FAIL
    assert finding.text.startswith("nobody.invalid has no address: ")
    assert "name servers" in finding.advice


def server_side(authority: trustme.CA, *names: str, **validity: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",)), **validity).configure_cert(context)
    return context


def client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def look_at(context: ssl.SSLContext, trust: ssl.SSLContext) -> Finding:
    """Check TLS of a server with this certificate."""
    async with Simulator(ssl_context=context) as simulator:
        return await check_tls("127.0.0.1", int(simulator.url.rpartition(":")[2]), trust)


def in_days(days: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)


async def test_certificate_that_is_trusted() -> None:
    authority = trustme.CA()
    context = server_side(authority, not_after=in_days(60.5))
    finding = await look_at(context, client_side(authority))
    assert finding == Finding(
        "tls", Status.OK, "127.0.0.1 is trusted; its certificate ends in 60 days."
    )


async def test_certificate_that_ends_soon() -> None:
    authority = trustme.CA()
    context = server_side(authority, not_after=in_days(10.5))
    finding = await look_at(context, client_side(authority))
    assert finding.status is Status.WARN
    assert finding.text == "The certificate of 127.0.0.1 ends in 10 days."
    assert "renew" in finding.advice


@pytest.mark.parametrize(
    ("names", "not_after", "trusted", "reason"),
    [
        (("127.0.0.1",), None, False, "unable to get local issuer certificate"),
        (("127.0.0.1",), in_days(-1), True, "certificate has expired"),
        (("other.example",), None, True, "IP address mismatch"),
    ],
)
async def test_certificate_that_is_not_trusted(
    names: tuple[str, ...], not_after: datetime.datetime | None, trusted: bool, reason: str
) -> None:
    authority = trustme.CA()
    validity = {} if not_after is None else {"not_before": in_days(-3), "not_after": not_after}
    context = server_side(authority, *names, **validity)
    finding = await look_at(context, client_side(authority if trusted else trustme.CA()))
    assert finding.status is Status.FAIL
    assert finding.text.startswith("The certificate of 127.0.0.1 is not trusted: ")
    assert reason in finding.text
    assert "RELAY_UPSTREAM_CA_FILE" in finding.advice


async def test_port_that_speaks_no_tls() -> None:
    async with Simulator() as simulator:
        port = int(simulator.url.rpartition(":")[2])
        finding = await check_tls("127.0.0.1", port, ssl.create_default_context())
    assert finding.status is Status.FAIL
    assert finding.text.startswith(f"127.0.0.1:{port} does not speak TLS as expected: ")


@pytest.mark.usefixtures("impatient")
async def test_port_that_says_nothing() -> None:
    async with talking(silent) as port:
        finding = await check_tls("127.0.0.1", port, ssl.create_default_context())
    assert finding.text == f"127.0.0.1:{port} can't be reached: no answer within 0.2 s."
    assert "firewall" in finding.advice


async def test_port_that_nobody_has() -> None:
    port = free_port()
    finding = await check_tcp("127.0.0.1", port)
    assert finding.status is Status.FAIL
    assert finding.text.startswith(f"127.0.0.1:{port} can't be reached: Connect call failed")
    assert "firewall" in finding.advice


async def clock_finding(*headers: str) -> Finding:
    """What is found of a provider that answers with these headers."""
    async with talking(answer("404 Not Found", *headers)) as port:
        return await check_clock(f"http://127.0.0.1:{port}", None)


@pytest.mark.parametrize(
    ("ahead", "status", "text"),
    [
        (0, Status.OK, r"Within 5 s of the provider's\."),
        (3600, Status.WARN, r"This machine's clock is 36\d\d s ahead of the provider's\."),
        (-7200, Status.WARN, r"This machine's clock is 7[12]\d\d s behind the provider's\."),
    ],
)
async def test_clock_is_compared(ahead: float, status: Status, text: str) -> None:
    date = email.utils.formatdate(time.time() - ahead, usegmt=True)
    finding = await clock_finding(f"Date: {date}")
    assert finding.status is status
    assert re.fullmatch(text, finding.text)


def test_the_zone_of_a_date_that_names_none_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        date = email.utils.formatdate(time.time())
        assert date.endswith("-0000")
        finding = asyncio.run(clock_finding(f"Date: {date}"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert finding.status is Status.OK


@pytest.mark.parametrize("headers", [(), ("Date: soon",)])
async def test_provider_may_tell_no_time(headers: tuple[str, ...]) -> None:
    finding = await clock_finding(*headers)
    assert finding.status is Status.OK
    assert finding.text == "Could not be compared: the provider tells no time."


async def test_clock_that_cannot_be_compared() -> None:
    async with talking(hang_up) as port:
        finding = await check_clock(f"http://127.0.0.1:{port}", None)
    assert finding.status is Status.WARN
    assert finding.text.startswith("Could not be compared: ")


async def session_at(url: str, key: str = KEY) -> Finding:
    return await check_session(settings_for(url, key=key), None)


async def test_session_that_opens(simulator: Simulator) -> None:
    finding = await session_at(simulator.url)
    assert finding.status is Status.OK
    assert finding.text.startswith("The provider opened a session in ")
    await simulator.wait_for(lambda: not simulator.connections[0].is_open)
    assert simulator.connections[0].messages == 0


async def test_key_that_the_provider_does_not_know(simulator: Simulator) -> None:
    finding = await session_at(simulator.url, key="wrong-0123456789")
    assert finding == Finding(
        "session",
        Status.FAIL,
        "The provider answered auth_error.",
        EXPLANATIONS["auth_error"],
    )


async def test_account_that_has_no_session_left() -> None:
    behaviour = Behaviour(max_sessions=1)
    async with (
        Simulator(behaviour=behaviour) as simulator,
        relay_to(simulator.url) as relay,
    ):
        first = check_stream(relay.url, key=relay.key, idle=0.5)
        async with asyncio.TaskGroup() as group:
            group.create_task(first)
            await simulator.wait_for(lambda: bool(simulator.connections))
            finding = await session_at(simulator.url)
    assert finding.text == "The provider answered rate_limited."
    assert finding.advice == EXPLANATIONS["rate_limited"]


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (401, "auth_error"),
        (403, "auth_error"),
        (429, "rate_limited"),
        (503, "resource_exhausted"),
        (404, "invalid_request"),
    ],
)
async def test_handshake_that_is_refused(
    simulator: Simulator, status: int, error_type: str
) -> None:
    simulator.faults.add(Fault(FaultKind.REFUSE_HANDSHAKE, status=status))
    finding = await session_at(simulator.url)
    assert finding.status is Status.FAIL
    assert finding.text == f"The provider refused the WebSocket with HTTP {status}."
    assert finding.advice == EXPLANATIONS[error_type]


async def test_key_does_not_follow_a_redirect(simulator: Simulator) -> None:
    target = f"Location: {simulator.url}/v1/speech-to-text/realtime"
    async with talking(answer("302 Found", target)) as port:
        finding = await session_at(f"ws://127.0.0.1:{port}")
    assert finding.text == "The provider refused the WebSocket with HTTP 302."
    assert simulator.connections == []


async def test_provider_that_hangs_up() -> None:
    async with talking(hang_up) as port:
        finding = await session_at(f"ws://127.0.0.1:{port}")
    assert finding.status is Status.FAIL
    assert finding.text.startswith("No session could be opened: ")
    assert "blocks WebSockets" in finding.advice


@pytest.mark.usefixtures("impatient")
async def test_provider_that_says_nothing() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.wait_closed()

    async with scripted(script) as url:
        finding = await session_at(url)
    assert finding.text == "No session could be opened: no answer within 0.2 s."


@pytest.mark.parametrize("message", ["hello", "[]", "{}"])
async def test_provider_that_is_none(message: str) -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send(message)
        await peer.wait_closed()

    async with scripted(script) as url:
        finding = await session_at(url)
    assert finding.status is Status.FAIL
    assert finding.text == "The provider answered something that Scribe does not say."


async def test_provider_that_closes_at_once() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.close(1013)

    async with scripted(script) as url:
        finding = await session_at(url)
    assert finding.text == "No session could be opened: the connection was closed with code 1013."


async def test_page_with_another_status_is_shown() -> None:
    async with talking(answer("502 Bad Gateway", body="no relay behind me")) as port:
        base = f"http://127.0.0.1:{port}"
        finding = await check_http(base, "/healthz", "The process does not answer.")
    assert finding.status is Status.FAIL
    assert finding.text == "The process does not answer. HTTP 502: no relay behind me"


async def test_line_that_lasts(relay: Relay) -> None:
    finding = await check_stream(relay.url, key=relay.key, idle=0.3)
    assert finding == Finding("stream", Status.OK, "A session opened and lived 0.3 s of silence.")


async def test_proxy_that_ends_idle_lines(relay: Relay) -> None:
    port = int(relay.url.rpartition(":")[2])
    # Long enough for a session to begin on a busy machine.
    async with talking(idle_proxy(port, 1.0)) as proxy_port:
        finding = await check_stream(f"http://127.0.0.1:{proxy_port}", key=relay.key, idle=10)
    assert finding.status is Status.FAIL
    assert re.fullmatch(r"The line was closed after \d s of silence \(code 1006\)\.", finding.text)
    assert "proxy_read_timeout" in finding.advice


async def test_a_relay_that_restarts_meanwhile_is_no_proxy(simulator: Simulator) -> None:
    async with asyncio.TaskGroup() as group, relay_to(simulator.url) as relay:
        checking = group.create_task(check_stream(relay.url, key=relay.key, idle=10))
        await simulator.wait_for(lambda: bool(simulator.connections))
        await asyncio.sleep(0.2)
    finding = checking.result()
    assert finding.status is Status.FAIL
    assert finding.text.endswith("(code 1012).")
    assert "restart" in finding.advice
    assert "proxy" not in finding.advice


async def test_relay_that_refuses_the_key(relay: Relay) -> None:
    finding = await check_stream(relay.url, key="rk-0123456789", idle=1)
    assert finding.status is Status.FAIL
    assert finding.text.startswith(
        "The relay answered unauthorized: This key is unknown or revoked."
    )


async def test_relay_whose_provider_refuses_it() -> None:
    async with Simulator(api_keys=("other",)) as simulator, relay_to(simulator.url) as relay:
        finding = await check_stream(relay.url, key=relay.key, idle=5)
    assert finding.status is Status.FAIL
    assert "auth_error" in finding.text


async def test_relay_under_another_name(simulator: Simulator) -> None:
    async with relay_to(simulator.url, allowed_hosts=("relay.example",)) as relay:
        finding = await check_stream(relay.url, key=relay.key, idle=1)
    assert finding.status is Status.FAIL
    assert finding.text == "The WebSocket was refused with HTTP 421."
    assert "RELAY_ALLOWED_HOSTS" in finding.advice


async def test_key_for_the_relay_does_not_follow_a_redirect() -> None:
    async with talking(answer("301 Moved", "Location: ws://127.0.0.1:1/v1/stream")) as port:
        finding = await check_stream(f"http://127.0.0.1:{port}", key="rk", idle=1)
    assert finding.text == "The WebSocket was refused with HTTP 301."


async def test_relay_that_is_none() -> None:
    async def script(peer: ServerConnection) -> None:
        await peer.send("hello")
        await peer.wait_closed()

    async with scripted(script) as url:
        finding = await check_stream(url, key=None, idle=1)
    assert finding.status is Status.FAIL
    assert finding.text.startswith("The relay answered something that a relay does not say")


async def test_proxy_that_hangs_up() -> None:
    async with talking(hang_up) as port:
        finding = await check_stream(f"http://127.0.0.1:{port}", key=None, idle=1)
    assert finding.text.startswith("No session could be opened: ")
    assert "lets WebSockets through" in finding.advice


# Redis and the database.


async def test_redis_that_is_well() -> None:
    with RedisServer() as server:
        finding = await check_redis(settings_for(redis_url=server.url))
    assert finding.status is Status.OK
    assert re.fullmatch(r"Redis [78]\.\S+ answers\.", finding.text)


async def test_without_redis_that_is_said() -> None:
    finding = await check_redis(settings_for())
    assert (finding.status, "RELAY_REDIS_URL is not set" in finding.text) == (Status.OK, True)


async def test_redis_that_forgets_when_it_is_full() -> None:
    with RedisServer("--maxmemory-policy", "allkeys-lru") as server:
        finding = await check_redis(settings_for(redis_url=server.url))
    assert finding.status is Status.WARN
    assert "(allkeys-lru)" in finding.text
    assert "noeviction" in finding.advice


@pytest.mark.parametrize("is_there", [True, False])
async def test_redis_that_is_away_or_wants_another_password(is_there: bool) -> None:
    with RedisServer() as server:
        url = server.url.replace("://", "://:wrong-password@")
        if is_there:
            async with Redis.from_url(server.url) as redis:
                await redis.config_set("requirepass", "another")
        else:
            server.stop()
        finding = await check_redis(settings_for(redis_url=url))
    assert finding.status is Status.FAIL
    assert "RELAY_REDIS_URL" in finding.advice
    assert "wrong-password" not in finding.text


async def test_database_that_answers(shared_url: str) -> None:
    database = Database(shared_url)
    await database.start()
    await database.aclose()
    finding = await check_database(settings_for(database_url=shared_url))
    assert finding.status is Status.OK
    assert re.fullmatch("(PostgreSQL|SQLite) answers.", finding.text)


async def test_database_that_is_yet_to_be_made_is_not_made(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    finding = await check_database(settings)
    assert (finding.status, "not there yet" in finding.text) == (Status.OK, True)
    assert os.listdir(tmp_path) == []


async def test_database_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "relay.db").write_text("no database at all, but a text" * 100)
    port = free_port()
    for url in (
        f"sqlite+aiosqlite:///{tmp_path}/relay.db",
        f"postgresql://anna:pass-of-anna@127.0.0.1:{port}/x",
    ):
        finding = await check_database(settings_for(database_url=url))
        assert finding.status is Status.FAIL
        assert "RELAY_DATABASE_URL" in finding.advice
        assert "pass-of-anna" not in finding.text
