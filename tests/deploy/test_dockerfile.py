"""What of the image can be told without building it; `test_containers.py` builds it."""

import asyncio
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from relay.simulator.server import Simulator
from tests.support.ports import free_port
from tests.support.relay import relay_to
from tests.support.settings import KEY

ROOT = Path(__file__).parents[2]

TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")

STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", TEXT, re.MULTILINE | re.DOTALL))

IS_HEALTHY = ROOT / "deploy/image/is-healthy"

FINAL = ("relay", "simulator")


def copied() -> list[str]:
    """What comes from the clone, and not from another stage."""
    lines = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", TEXT, re.MULTILINE)
    return [source.rstrip("/") for line in lines for source in line.split()[:-1]]


def is_left_out(path: str) -> bool:
    """Whether `.dockerignore` keeps a file from the build; the last line that fits decides."""
    left_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        # Docker takes `**/` for any number of folders, none included.
        patterns = [pattern.removeprefix("**/"), pattern.replace("**/", "*/")]
        parents = [path, *map(str, Path(path).parents)]
        if any(fnmatch(each, one) for each in parents for one in patterns):
            left_out = not line.startswith("!")
    return left_out


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_comes_along(source: str) -> None:
    assert (ROOT / source).exists()
    files = ["requirements/demo.lock"] if source == "requirements" else [source]
    assert not any(map(is_left_out, files))


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "relay/.env",
        ".git/config",
        "data/relay.db",
        "relay/__pycache__/app.pyc",
        "relay/http/built/recorder.js",
        "web/node_modules/vite/package.json",
        "deploy/kubernetes/overlays/mine/secrets.env",
        "tests/conftest.py",
    ],
)
def test_nothing_secret_and_nothing_stale_gets_into_a_build(path: str) -> None:
    assert is_left_out(path)


def test_whatever_is_installed_is_pinned_by_its_hash() -> None:
    installations = re.findall(r"pip install [^&\n]+", TEXT)
    assert len(installations) > 3
    for line in installations:
        # The relay's own wheel was built in another stage.
        assert "--require-hashes" in line or "--no-deps dist/*.whl" in line, line


@pytest.mark.parametrize("stage", FINAL)
def test_signals_reach_the_program(stage: str) -> None:
    assert re.search(r'^ENTRYPOINT \["scribe-relay"', STAGES[stage], re.MULTILINE)
    assert "HEALTHCHECK" in STAGES[stage]


def test_nobody_is_root_in_what_runs() -> None:
    assert re.search(r"^USER \d+:\d+$", STAGES["base"], re.MULTILINE)
    assert not any("USER" in STAGES[stage] for stage in FINAL)


async def is_healthy(*arguments: str | int, port: int | None = None) -> tuple[int, str]:
    """Run the health check as the image does, with the interpreter of the tests."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-IS", str(IS_HEALTHY), *map(str, arguments)),
        env={} if port is None else {"RELAY_PORT": str(port)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def test_the_health_check_tells_whether_a_server_answers() -> None:
    async with Simulator(api_keys=(KEY,)) as simulator, relay_to(simulator.url) as relay:
        port = int(relay.url.rpartition(":")[2])
        assert await is_healthy(port=port) == (0, "")
        code, text = await is_healthy(port, "/nothing")
        assert (code, text) == (1, f"/nothing on port {port} answered 404\n")
        other = int(simulator.url.rpartition(":")[2])
        assert await is_healthy(other, "/simulator/connections") == (0, "")
    code, text = await is_healthy(free_port())
    assert code == 1
    assert "doesn't answer" in text
