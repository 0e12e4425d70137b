"""`scribe-relay doctor`: what it prints and returns. The checks have tests of their own."""

import json
import re

from relay.cli.exits import Exit
from relay.simulator.server import Simulator
from tests.support.invoked import invoke, invoke_beside
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.settings import KEY
from tests.support.spawned import Ended, run

CHECKS = (
    "versions",
    "key",
    "database",
    "redis",
    "dns",
    "tcp",
    "clock",
    "session",
    "healthz",
    "readyz",
    "stream",
)
WITH_KEY = {"ELEVENLABS_API_KEY": KEY}


def statuses(ended: Ended) -> dict[str, str]:
    """How each check ended."""
    lines = re.findall(r"^(ok|warn|fail) +(\w+) ", ended.stdout, re.MULTILINE)
    return {check: status for status, check in lines}


async def test_what_is_well_is_said_and_costs_no_exit_code(
    simulator: Simulator, relay: Relay
) -> None:
    ended = await run(
        "doctor",
        "--upstream-url",
        simulator.url,
        "--url",
        relay.url,
        "--key",
        relay.key,
        "--idle",
        "0.2",
        environment=WITH_KEY,
    )
    assert ended.code == Exit.OK
    assert statuses(ended) == dict.fromkeys(CHECKS, "ok")
    assert "A session opened and lived 0.2 s of silence." in ended.stdout
    assert ended.stderr == ""
    assert KEY not in ended.stdout
    assert all(connection.samples == 0 for connection in simulator.connections)


async def test_missing_key_is_a_warning(simulator: Simulator) -> None:
    ended = await invoke_beside("doctor", "--upstream-url", simulator.url)
    assert ended.code == Exit.OK
    assert statuses(ended)["key"] == "warn"
    assert "session" not in statuses(ended)
    lines = ended.stdout.splitlines()
    advice = lines[lines.index(next(line for line in lines if line.startswith("warn  key"))) + 1]
    assert advice.strip() == "Set it, or try things with `scribe-relay demo`, which needs none."


async def test_refused_key_fails_and_says_what_to_do(simulator: Simulator) -> None:
    environment = {"ELEVENLABS_API_KEY": "wrong-0123456789"}
    ended = await invoke_beside("doctor", "--upstream-url", simulator.url, environment=environment)
    assert ended.code == Exit.FAILURE
    assert statuses(ended)["session"] == "fail"
    assert "The provider answered auth_error." in ended.stdout
    assert "Check ELEVENLABS_API_KEY" in ended.stdout
    assert "wrong-0123456789" not in ended.stdout


def test_provider_that_is_not_there_fails_and_ends_the_checks() -> None:
    ended = invoke("doctor", "--upstream-url", f"ws://127.0.0.1:{free_port()}")
    assert ended.code == Exit.FAILURE
    assert list(statuses(ended)) == list(CHECKS[:6])
    assert statuses(ended)["tcp"] == "fail"


async def test_relay_that_is_not_there_fails_although_the_provider_is(
    simulator: Simulator,
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    flags = ("--upstream-url", simulator.url, "--url", url)
    ended = await invoke_beside("doctor", *flags, environment=WITH_KEY)
    assert ended.code == Exit.FAILURE
    assert statuses(ended)["session"] == "ok"
    assert statuses(ended)["healthz"] == "fail"


async def test_findings_can_be_read_by_programs(simulator: Simulator) -> None:
    ended = await invoke_beside("doctor", "--upstream-url", simulator.url, "--json")
    assert ended.code == Exit.OK
    findings = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [finding["check"] for finding in findings] == list(CHECKS[:7])
    assert all(set(found) == {"check", "status", "text", "advice"} for found in findings)
    assert findings[1]["status"] == "warn"
    assert findings[4] == {
        "check": "dns",
        "status": "ok",
        "text": "127.0.0.1 is 127.0.0.1.",
        "advice": "",
    }


async def test_key_for_the_relay_comes_from_the_environment_and_is_not_shown(
    simulator: Simulator, relay: Relay
) -> None:
    secret = "rk-0123456789"
    flags = ("--upstream-url", simulator.url, "--url", relay.url, "--idle", "0")
    ended = await invoke_beside("doctor", *flags, environment={"RELAY_KEY": secret})
    assert ended.code == Exit.FAILURE
    assert "The relay answered unauthorized: This key is unknown or revoked." in ended.stdout
    assert secret not in ended.stdout


def test_wrong_settings_are_all_named() -> None:
    environment = {"RELAY_CHUNK_MS": "1", "RELAY_PORT": "x"}
    ended = invoke("doctor", environment=environment)
    assert ended.code == Exit.CONFIG
    assert len(ended.complaints) == 2
    assert ended.stdout == ""
