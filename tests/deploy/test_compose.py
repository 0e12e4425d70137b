"""`docker-compose.yml`: what it says is valid, fits together, and gives away nothing."""

import re
import subprocess
import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.server import GRACE
from relay.settings import known_variables
from tests.support.spawned import run

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"

WHOLE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = WHOLE["services"]
RELAYS = ("relay-1", "relay-2")
OURS = (*RELAYS, "simulator")

every_service = pytest.mark.parametrize("name", SERVICES)

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-+])(?P<text>[^}]*))?\}")


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in, as Compose does with the two forms that the file uses."""

    def value(found: re.Match[str]) -> str:
        given = variables.get(found["name"], "")
        match found["how"]:
            case "-":
                return given or found["text"]
            case "+":
                return found["text"] if given else ""
            case _:
                return given

    return _VARIABLE.sub(value, text)


def environment_of(name: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What a service's process finds in its environment, where there is no `.env`."""
    found: dict[str, str] = {}
    for file in SERVICES[name]["env_file"]:
        path = ROOT / interpolated(file["path"], variables)
        if not file.get("required", True):
            continue
        lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
        for line in lines:
            key, _, found[key] = line.partition("=")
    for line in SERVICES[name]["environment"]:
        key, _, text = line.partition("=")
        found[key] = interpolated(text, variables)
    return found


def test_it_is_what_the_schema_of_compose_files_allows() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@every_service
def test_no_service_can_do_more_than_it_has_to(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & set(service)


@every_service
def test_every_service_says_whether_it_is_well(name: str) -> None:
    # That of the relay and of the simulator is in their images.
    assert ("healthcheck" in SERVICES[name]) == (name not in OURS)


@every_service
def test_only_files_of_this_clone_are_mounted_and_none_can_be_written_to(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, *options = volume.split(":")
        if source in WHOLE["volumes"]:
            continue
        assert source.startswith("./deploy/"), volume
        assert options == ["ro"], volume
        # Another part of this clone brings the dashboards.
        assert (ROOT / source).is_dir() or source == "./deploy/grafana/dashboards", volume


def test_each_image_is_built_once_and_by_a_target_that_there_is() -> None:
    built = {each["image"]: each["build"] for each in SERVICES.values() if "build" in each}
    assert len(built) == sum("build" in each for each in SERVICES.values())
    assert {SERVICES[name]["image"] for name in OURS} == set(built)
    targets = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {build["target"] for build in built.values()} <= set(targets)
    assert targets[-1] == "relay"  # what `docker build .` makes


def test_nobody_elsewhere_reaches_anything_but_caddy() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "caddy" or port.startswith("127.0.0.1:"), (name, port)


def test_redis_and_postgresql_are_with_the_relays_alone() -> None:
    assert WHOLE["networks"]["state"]["internal"]
    there = {name for name, service in SERVICES.items() if "state" in service["networks"]}
    assert there == {*RELAYS, "redis", "postgres"}


def test_every_variable_that_sounds_like_a_setting_is_one() -> None:
    texts = [FILE, *(ROOT / "deploy").rglob("*.env"), ROOT / "deploy/caddy/Caddyfile"]
    named = {name for path in texts for name in re.findall(r"RELAY_[A-Z_]+", path.read_text())}
    assert named <= set(known_variables())


@pytest.mark.parametrize("key", ["", "a-real-key"])
async def test_relays_can_start_with_a_key_or_without(key: str) -> None:
    environment = environment_of("relay-1", {"ELEVENLABS_API_KEY": key})
    assert environment == environment_of("relay-2", {"ELEVENLABS_API_KEY": key})
    done = await run("check-config", environment=environment)
    assert done.code == 0, done.stderr
    assert not done.complaints
    host = "ws://simulator:8001" if not key else ""
    assert re.search(rf"^RELAY_UPSTREAM_URL={host} ", done.stdout, re.MULTILINE)
    assert "a-real-key" not in done.stdout


def test_the_simulator_comes_with_the_demo_alone() -> None:
    assert {name for name, each in SERVICES.items() if "profiles" in each} == {"simulator"}
    assert SERVICES["simulator"]["profiles"] == ["demo"]
    upstream = environment_of("relay-1", {})["RELAY_UPSTREAM_URL"]
    assert upstream == "ws://simulator:8001"
    assert set(SERVICES["simulator"]["networks"]) & set(SERVICES["relay-1"]["networks"])


@pytest.mark.parametrize("name", RELAYS)
def test_caddy_and_nobody_else_is_believed(name: str) -> None:
    environment = environment_of(name, {})
    caddy = SERVICES["caddy"]["networks"]["edge"]["ipv4_address"]
    assert environment["RELAY_TRUSTED_PROXIES"] == caddy
    (subnet,) = WHOLE["networks"]["edge"]["ipam"]["config"]
    assert ip_address(caddy) in ip_network(subnet["subnet"])
    (relays,) = [each for each in SERVICES["caddy"]["environment"] if each.startswith("RELAYS=")]
    assert f"{name}:8000" in relays.removeprefix("RELAYS=").split()
    # By its name Caddy asks whether a relay is there.
    assert name in environment["RELAY_ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize("name", RELAYS)
def test_relays_have_the_time_that_their_sessions_need_to_move(name: str) -> None:
    assert SERVICES[name]["stop_grace_period"] == "30s"
    assert GRACE + 5 <= 30


def test_prometheus_asks_every_relay_where_it_has_its_metrics() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = [each for each in config["scrape_configs"] if each["job_name"] == "relay"]
    targets = [target for each in job["static_configs"] for target in each["targets"]]
    port = environment_of("relay-1", {})["RELAY_METRICS_PORT"]
    assert targets == [f"{name}:{port}" for name in RELAYS]
    assert "edge" in SERVICES["prometheus"]["networks"]


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    assert "monitoring" in SERVICES["grafana"]["networks"]
    assert "monitoring" in SERVICES["prometheus"]["networks"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/scribe-relay.yml").read_text())[
        "providers"
    ]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
