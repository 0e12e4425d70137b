"""Two workers' metrics are one relay's, as a real Prometheus reads them, and when one dies."""

import asyncio
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.metrics.test_alerts import RULES, shown
from tests.multi.cluster import Cluster, running_cluster
from tests.support.ports import free_port
from tests.support.processes import answers
from tests.support.prometheus import PrometheusServer
from tests.support.relay import Client
from tests.support.talk import caller, speak
from tests.support.waiting import until

SESSIONS = 6
"""That all of them come to the same one of two workers happens once in 32 times, and harms not."""

SECONDS = 2.0
"""Of audio in each; the first chunk is measured after one of them."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def cluster(port: int) -> Iterator[Cluster]:
    with running_cluster(workers=2, metrics_port=port) as running:
        yield running


@pytest.fixture
def prometheus(cluster: Cluster, port: int) -> Iterator[PrometheusServer]:
    with PrometheusServer(f"127.0.0.1:{port}", rules=RULES) as server:
        yield server


@asynccontextmanager
async def sessions(cluster: Cluster) -> AsyncIterator[list[Client]]:
    """Sessions in which something was said, and which go on."""
    key = await cluster.key()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(caller(cluster.url, key)) for _ in range(SESSIONS)
        ]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(say_something(client))
        yield clients


async def say_something(client: Client) -> None:
    await client.event("session_started")
    await speak(client, SECONDS)
    await client.say("commit")
    await client.event("committed_transcript")


async def becomes(prometheus: PrometheusServer, expression: str, value: float) -> None:
    """Wait until an expression has a value."""
    last: float | None = None

    async def has_value() -> bool:
        nonlocal last
        last = await prometheus.value(expression)
        return last is not None and abs(last - value) < 1e-6

    try:
        await until(has_value, "it", interval=0.1)
    except AssertionError:
        pytest.fail(f"{expression} is {last}, not {value}")


@pytest.mark.slow
async def test_prometheus_reads_of_all_workers_together(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    await becomes(prometheus, 'up{job="scribe-relay"}', 1)
    await becomes(prometheus, "relay_workers", 2)
    before = await prometheus.value("sum(relay_sessions_started_total)") or 0
    async with sessions(cluster) as clients:
        await becomes(prometheus, 'relay_sessions{state="open"}', SESSIONS)
        await becomes(prometheus, "sum(relay_sessions_started_total)", before + SESSIONS)
        for direction in ("received", "sent"):
            expression = f'relay_audio_seconds_total{{direction="{direction}"}}'
            await becomes(prometheus, expression, SESSIONS * SECONDS)
        await becomes(prometheus, "relay_speech_to_final_seconds_count", SESSIONS)
        await becomes(prometheus, 'relay_upstream_connects_total{outcome="opened"}', SESSIONS)
        await becomes(prometheus, "relay_sessions_limit", 2 * 400)
        await becomes(prometheus, "min(relay_dependency_up)", 1)
        measured = await prometheus.value("relay_added_latency_seconds_count")
        assert measured is not None
        assert measured >= SESSIONS
        for client in clients:
            await client.stop()
    await becomes(prometheus, "sum(relay_sessions)", 0)
    await becomes(prometheus, 'relay_sessions_ended_total{ending="finished"}', SESSIONS)
    for title, expression in shown():
        try:
            await prometheus.query(expression)
        except AssertionError as error:
            pytest.fail(f"{title}: {error}")
    rules = await prometheus.rules()
    assert {rule["health"] for rule in rules} == {"ok"}
    assert not [rule["name"] for rule in rules if rule["state"] == "firing"]


@pytest.mark.slow
async def test_what_a_worker_counted_outlives_it_and_its_sessions_are_gone_at_once(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    host = cluster.hosts[0]
    async with sessions(cluster) as clients:
        await becomes(prometheus, 'relay_sessions{state="open"}', SESSIONS)
        started = await prometheus.value("sum(relay_sessions_started_total)")
        audio = await prometheus.value('relay_audio_seconds_total{direction="received"}')
        assert started is not None
        assert audio is not None
        # What was counted in its last second would be missing.
        await asyncio.sleep(1.2)
        killed = sorted(host.workers())[0]
        host.kill_worker(killed)
        await becomes(prometheus, "relay_workers", 1)

        async def is_replaced() -> bool:
            return len(host.workers() - {killed}) == 2

        await until(is_replaced, "another worker", seconds=30)
        left = sum(client.close_code is None for client in clients)
        await becomes(prometheus, "sum(relay_sessions)", left)
        await until(lambda: has_two(prometheus), "the other worker's metrics", seconds=30)
        await becomes(prometheus, "sum(relay_sessions_started_total)", started)
        await becomes(prometheus, 'relay_audio_seconds_total{direction="received"}', audio)
        await becomes(prometheus, "sum(resets(relay_sessions_started_total[2m]))", 0)
        await becomes(prometheus, "sum(resets(relay_audio_seconds_total[2m]))", 0)


async def has_two(prometheus: PrometheusServer) -> bool:
    return await prometheus.value("relay_workers") == 2


def test_promtool_finds_nothing_to_criticise(cluster: Cluster, port: int) -> None:
    assert not answers(f"{cluster.url}/metrics")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
