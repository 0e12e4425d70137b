"""What a worker takes over from those that were there before it."""

import asyncio

from relay.registry import Duty, Wish
from relay.services import Services
from tests.support.settings import settings_for
from tests.support.waiting import until


async def test_what_was_asked_of_a_killed_worker_is_not_asked_of_the_next_of_its_name() -> None:
    services = Services.build(settings_for())
    presence, workers = services.presence, services.workers
    await workers.beat(presence.record())
    await workers.ask(services.sessions.worker, Wish.DRAIN)

    async def is_there() -> bool:
        return bool(await workers.list())

    async with asyncio.TaskGroup() as group:
        running = group.create_task(presence.run())
        await asyncio.sleep(0)
        await until(is_there, "the worker in the list")
        assert services.sessions.duty is Duty.SERVING
        running.cancel()
    await services.aclose()
