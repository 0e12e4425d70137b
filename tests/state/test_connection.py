import asyncio
from contextlib import suppress

import pytest
import uvloop
from redis.exceptions import ResponseError

from relay.errors import StateUnavailable
from relay.state import SharedState
from tests.support.peers import talking
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer


async def test_scripts_read_redis_own_clock(state: SharedState) -> None:
    from relay.state.scripts import PRELUDE

    script = state.script(PRELUDE + "return now")
    async with state.asking() as redis:
        seconds, _ = await redis.time()
    assert abs(int(await state.run(script, [], [])) / 1000 - seconds) < 5


async def test_a_fault_of_ours_is_not_taken_for_an_outage(state: SharedState) -> None:
    with pytest.raises(ResponseError):
        await state.run(state.script("return nonsense()"), [], [])


async def test_hundreds_may_ask_the_embedded_engine_at_once() -> None:
    state = SharedState.connect(None)
    await asyncio.gather(*(state.ping() for _ in range(300)))
    await state.aclose()


async def test_the_embedded_engine_keeps_nothing_that_has_expired() -> None:
    state = SharedState.connect(None)
    async with state.asking() as redis:
        for number in range(20):
            await redis.set(f"ticket:{number}", "x", px=1)
        held = redis.connection_pool.connection_kwargs["server"].dbs[0]
        await asyncio.sleep(0.01)
        assert len(held._dict) == 20
        await state.forget_expired()
        assert len(held._dict) == 0
    await state.aclose()


async def test_a_redis_that_is_not_there_is_unavailable() -> None:
    state = SharedState.connect(f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(StateUnavailable) as caught:
        await state.ping()
    assert "secret" not in str(caught.value)
    await state.aclose()


async def test_a_connection_that_uvloop_finds_closed_is_an_outage_and_another_fault_isnt() -> None:
    state = SharedState.connect(None)
    with pytest.raises(StateUnavailable):
        async with state.asking():
            raise RuntimeError(
                "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
            )
    with pytest.raises(RuntimeError):
        async with state.asking():
            raise RuntimeError("no running event loop")
    await state.aclose()


async def test_a_redis_that_hangs_is_unavailable_within_two_seconds() -> None:
    with RedisServer() as server:
        state = SharedState.connect(server.url)
        await state.ping()
        server.pause()
        async with asyncio.timeout(2):
            with pytest.raises(StateUnavailable):
                await state.ping()
        server.resume()
        await state.ping()
        await state.aclose()


async def test_a_redis_that_returns_is_used_again_and_learns_the_scripts_again() -> None:
    with RedisServer() as server:
        state = SharedState.connect(server.url)
        script = state.script("return 7")
        assert await state.run(script, [], []) == 7
        server.stop()
        with pytest.raises(StateUnavailable):
            await state.run(script, [], [])
        server.start()
        assert await state.run(script, [], []) == 7
        await state.aclose()


async def test_a_redis_that_takes_no_writes_is_unavailable() -> None:
    with (
        RedisServer() as master,
        RedisServer("--replicaof", "127.0.0.1", str(master.port)) as replica,
    ):
        state = SharedState.connect(replica.url)
        with pytest.raises(StateUnavailable):
            await state.run(state.script("return redis.call('SET', 'a', 1)"), [], [])
        await state.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        "DENIED Redis is running in protected mode because protected mode is enabled",
        "MISCONF Redis is configured to save RDB snapshots, but is currently unable to persist",
    ],
)
async def test_a_redis_that_lets_nobody_in_or_writes_nothing_is_unavailable(answer: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"-{answer}\r\n".encode())
        await writer.drain()
        await reader.read(1)

    async with talking(refuse) as port:
        state = SharedState.connect(f"redis://127.0.0.1:{port}/0")
        with pytest.raises(StateUnavailable, match=answer.split()[0]):
            await state.ping()
        await state.aclose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://localhost:26379", "no master"),
        ("redis+sentinel:///master", "no sentinel"),
        ("redis+sentinel://localhost:port/master", "no address"),
        ("redis+sentinel://localhost/master/zero", "not a number"),
        ("http://localhost", "scheme"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SharedState.connect(url)


async def test_a_sentinel_leads_to_the_master_and_to_the_next_one() -> None:
    with (
        RedisServer("--repl-diskless-sync-delay", "0") as master,
        RedisServer("--replicaof", "127.0.0.1", str(master.port)) as replica,
    ):
        watch = (
            f"sentinel monitor relay 127.0.0.1 {master.port} 1",
            "sentinel down-after-milliseconds relay 500",
            "sentinel failover-timeout relay 2000",
        )
        with RedisServer(*watch, sentinel=True) as sentinel:
            state = SharedState.connect(f"redis+sentinel://127.0.0.1:{sentinel.port}/relay")
            async with state.asking() as redis:
                await redis.set("a", "1")
            await _replicated(replica)
            master.stop()
            async with asyncio.timeout(20):
                while True:
                    try:
                        async with state.asking() as redis:
                            assert await redis.get("a") == "1"
                            await redis.set("b", "2")
                        break
                    except StateUnavailable:
                        await asyncio.sleep(0.1)
            await state.aclose()


async def _replicated(replica: RedisServer) -> None:
    state = SharedState.connect(replica.url)
    async with asyncio.timeout(10), state.asking() as redis:
        while await redis.get("a") != "1":  # noqa: ASYNC110  # Redis doesn't tell
            await asyncio.sleep(0.05)
    await state.aclose()


async def test_a_connection_that_is_reset_at_once_is_an_outage_under_uvloop_too() -> None:
    async def ask(port: int) -> None:
        # One in fifty is reset between two steps of the handshake.
        for _ in range(300):
            state = SharedState.connect(f"redis://127.0.0.1:{port}/0")
            with pytest.raises(StateUnavailable):
                await state.ping()
            await state.aclose()

    async with Proxy(free_port()) as proxy:
        proxy.refuse(60)
        await asyncio.to_thread(lambda: uvloop.run(ask(proxy.port)))


async def test_who_is_cancelled_while_it_asks_is_cancelled_even_if_the_client_overhears_it(
    state: SharedState,
) -> None:
    async def ask() -> None:
        async with state.asking():
            # As `asyncio.wait_for` does on Python 3.11 when the answer comes at the same moment.
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(ask())
        await asyncio.sleep(0)
        asking.cancel()
    assert asking.cancelled()


async def test_who_is_cancelled_while_redis_answers_leaves_that_answer_to_nobody(
    state: SharedState,
) -> None:
    async def ask(key: str) -> str:
        async with state.asking() as redis:
            return str(await redis.get(key))

    async with state.asking() as redis:
        await redis.mset({"one": "1", "other": "2"})
    for steps in range(30):
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask("one"))
            for _ in range(steps):
                await asyncio.sleep(0)
            asking.cancel()
        assert await ask("other") == "2"
        assert asking.cancelled() or asking.result() == "1"


async def test_who_cleans_up_after_a_cancellation_may_still_ask(state: SharedState) -> None:
    cleaned = asyncio.Event()

    async def clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await state.ping()
            cleaned.set()

    async with asyncio.TaskGroup() as group:
        cleaning = group.create_task(clean_up())
        await asyncio.sleep(0)
        cleaning.cancel()
    assert cleaned.is_set()
