"""What is looked at from time to time, also where looking fails."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from relay import sampling
from relay.errors import StateUnavailable
from relay.sampling import Sampler
from relay.services import Services
from tests.support.settings import settings_for
from tests.support.waiting import until

Check = Callable[[], Awaitable[None]]


async def well() -> None:
    """All is well."""


async def away() -> None:
    raise StateUnavailable("ConnectionError")


async def broken() -> None:
    raise RuntimeError("a fault of our own")


@asynccontextmanager
async def sampling_of(
    checks: Mapping[str, Check], folder: Path | None = None
) -> AsyncIterator[Callable[[str, str], float | None]]:
    """Look at a worker without sessions; tells a gauge's value with this value of its label."""
    services = Services.build(settings_for())
    sampler = Sampler(
        services.metrics,
        sessions=services.sessions,
        breaker=services.breaker,
        limiter=services.limiter,
        checks=checks,
        check_upstream=well,
        certificate_end=lambda: 2e9,
        figures=services.figures,
        folder=folder,
    )

    def value(name: str, label: str = "") -> float | None:
        for key, found in services.metrics.values().items():
            if key.sample == name and label in (value for _, value in (*key.labels, ("", ""))):
                return found
        return None

    async with asyncio.TaskGroup() as group:
        running = group.create_task(sampler.run())
        try:
            yield value
        finally:
            running.cancel()
    await services.aclose()


async def test_what_cannot_be_asked_is_down() -> None:
    async with sampling_of({"redis": away, "database": well}) as value:

        async def is_known() -> bool:
            return value("relay_dependency_up", "database") is not None

        await until(is_known, "a first look")
        assert value("relay_dependency_up", "redis") == 0
        assert value("relay_dependency_up", "database") == 1
        assert value("relay_dependency_up", "upstream") is None


async def test_the_provider_is_looked_at_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "UPSTREAM_INTERVAL", 0.01)
    async with sampling_of({}) as value:

        async def is_known() -> bool:
            return value("relay_certificate_end_timestamp_seconds", "upstream") == 2e9

        await until(is_known, "a look at the provider")
        assert value("relay_dependency_up", "upstream") == 1


async def test_a_fault_of_ours_costs_one_look_and_no_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "PROBE_INTERVAL", 0.01)
    with capture_logs() as logs:
        async with sampling_of({"redis": broken}) as value:

            async def was_tried_again() -> bool:
                return (value("relay_dependency_probe_seconds_count", "redis") or 0) >= 2

            await until(was_tried_again, "another look")
            assert value("relay_dependency_up", "redis") == 0
    assert {line["event"] for line in logs} == {"metrics could not be taken"}


async def test_a_loop_that_stands_still_is_seen_to_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "LAG_INTERVAL", 0.01)
    async with sampling_of({}) as value:
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251  # what the test is about

        async def has_lagged() -> bool:
            return (value("relay_event_loop_lag_seconds_sum", "") or 0) >= 0.15

        await until(has_lagged, "the lag")


async def test_a_folder_that_is_gone_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SAMPLE_INTERVAL", 0.01)
    folder = tmp_path / "metrics"
    folder.mkdir()
    with capture_logs() as logs:
        async with sampling_of({}, folder):

            async def has_published() -> bool:
                return bool(list(folder.glob("*.values")))

            await until(has_published, "its values")
            shutil.rmtree(folder)

            async def is_said() -> bool:
                return bool(logs)

            await until(is_said, "a warning")
            await asyncio.sleep(0.05)
    assert [line["event"] for line in logs] == ["other workers can't see this one's metrics"]
