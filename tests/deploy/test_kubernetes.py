"""The manifests of `deploy/kubernetes`: what they name is there, here and in the relay."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.routing import Route

from relay.app import create_app
from relay.server import GRACE
from relay.settings import Settings, known_variables
from tests.support.settings import settings_for
from tests.support.spawned import run

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/kubernetes"
BASE = FOLDER / "base"
OVERLAY = FOLDER / "overlays/example"
NAME = "scribe-relay"

Document = dict[str, Any]


@cache
def kustomization(folder: Path) -> Document:
    found: Document = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return found


@cache
def documents() -> dict[str, Document]:
    """Every resource of base and overlay by kind; there is one of each."""
    found = {}
    for folder in (BASE, OVERLAY):
        for name in kustomization(folder)["resources"]:
            if (folder / name).is_file():
                for document in yaml.safe_load_all((folder / name).read_text()):
                    assert document["kind"] not in found
                    found[document["kind"]] = document
    return found


def spec(kind: str) -> Document:
    found: Document = documents()[kind]["spec"]
    return found


def pod() -> Document:
    found: Document = spec("Deployment")["template"]["spec"]
    return found


def container() -> Document:
    (found,) = pod()["containers"]
    assert isinstance(found, dict)
    return found


def variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return {name: text for name, _, text in (line.partition("=") for line in lines)}


def environment() -> dict[str, str]:
    """What a relay finds, once the examples stand for secrets."""
    return {
        **variables(BASE / "settings.env"),
        **variables(OVERLAY / "settings.env"),
        **variables(OVERLAY / "secrets.env.example"),
    }


def instruction(name: str) -> str:
    """The argument of the last such instruction in the Dockerfile."""
    found = re.findall(rf"^{name} (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    text: str = found[-1]
    return text


def test_every_file_belongs_to_a_kustomization() -> None:
    for folder in (BASE, OVERLAY):
        listed = set(kustomization(folder)["resources"])
        there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert there <= listed
    # What Kubernetes has by this name only, whatever else may be added.
    assert {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"} <= set(
        documents()
    )
    assert {"NetworkPolicy", "Ingress", "Namespace"} <= set(documents())


# What the manifests say of each other.


def test_everything_that_selects_pods_selects_the_relays() -> None:
    labels = spec("Deployment")["template"]["metadata"]["labels"]
    assert spec("Deployment")["selector"]["matchLabels"] == labels
    assert spec("Service")["selector"] == labels
    assert spec("PodDisruptionBudget")["selector"]["matchLabels"] == labels
    assert spec("NetworkPolicy")["podSelector"]["matchLabels"] == labels


def test_names_lead_to_what_is_there() -> None:
    assert spec("HorizontalPodAutoscaler")["scaleTargetRef"] == {
        "apiVersion": documents()["Deployment"]["apiVersion"],
        "kind": "Deployment",
        "name": documents()["Deployment"]["metadata"]["name"],
    }
    generated = {
        "configMapRef": [one["name"] for one in kustomization(BASE)["configMapGenerator"]],
        "secretRef": [one["name"] for one in kustomization(OVERLAY)["secretGenerator"]],
    }
    for source in container()["envFrom"]:
        ((kind, reference),) = source.items()
        assert reference["name"] in generated[kind]
    mounted = {mount["name"] for mount in container()["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod()["volumes"]}
    (rule,) = spec("Ingress")["rules"]
    for path in rule["http"]["paths"]:
        service = path["backend"]["service"]
        assert service["name"] == documents()["Service"]["metadata"]["name"]
        assert service["port"]["name"] in {port["name"] for port in spec("Service")["ports"]}
    image = container()["image"]
    assert [one["name"] for one in kustomization(OVERLAY)["images"]] == [image]


def ports_named() -> Iterator[str]:
    """Every port that something wants to reach a pod by."""
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        yield container()[kind]["httpGet"]["port"]
    yield from (port["targetPort"] for port in spec("Service")["ports"])
    for rule in spec("NetworkPolicy")["ingress"]:
        yield from (port["port"] for port in rule["ports"])


def test_every_port_is_one_of_the_containers() -> None:
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert set(ports_named()) <= set(ports)
    assert ports["http"] == int(environment()["RELAY_PORT"]) == int(instruction("EXPOSE"))
    scraped = spec("Deployment")["template"]["metadata"]["annotations"]["prometheus.io/port"]
    assert ports["metrics"] == int(environment()["RELAY_METRICS_PORT"]) == int(scraped)


# What they say of the relay.


def test_probes_ask_for_what_the_relay_answers() -> None:
    routes = {one.path for one in create_app(settings_for()).routes if isinstance(one, Route)}
    probes = {
        kind: container()[kind]["httpGet"]["path"]
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert set(probes.values()) <= routes
    assert probes["readinessProbe"] == "/readyz"
    # A relay isn't restarted because Redis, the database or the provider is away.
    assert probes["livenessProbe"] == "/healthz"


async def test_the_relay_accepts_these_settings() -> None:
    assert set(environment()) <= set(known_variables())
    done = await run("check-config", environment=environment())
    assert done.code == 0, done.stderr
    assert "warning" not in done.stderr


def test_secrets_are_in_secrets() -> None:
    secret = {Settings.variable_of(name) for name in Settings.secrets}
    assert "ELEVENLABS_API_KEY" in secret
    public = {**variables(BASE / "settings.env"), **variables(OVERLAY / "settings.env")}
    assert not secret & set(public)
    assert set(variables(OVERLAY / "secrets.env.example")) <= secret
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "secrets.env" in ignored
    assert not (OVERLAY / "secrets.env").exists()


def test_a_relay_has_the_time_that_its_sessions_need_to_move() -> None:
    pause = int(container()["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod()["terminationGracePeriodSeconds"] >= pause + GRACE + 10


def test_a_rollout_takes_nothing_away_before_there_is_something_else() -> None:
    assert spec("Deployment")["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in spec("Deployment")  # or each rollout would undo the autoscaler's work
    assert spec("HorizontalPodAutoscaler")["minReplicas"] >= 2
    assert spec("PodDisruptionBudget")["maxUnavailable"] == 1


def test_relays_are_added_before_they_are_full() -> None:
    (metric,) = spec("HorizontalPodAutoscaler")["metrics"]
    assert metric["pods"]["metric"]["name"] == "relay_sessions"
    target = int(metric["pods"]["target"]["averageValue"])
    assert target <= int(environment()["RELAY_MAX_SESSIONS"]) / 2


def test_the_container_can_do_no_more_than_the_image_needs() -> None:
    context = container()["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert pod()["securityContext"]["runAsNonRoot"]
    assert not pod()["automountServiceAccountToken"]
    user = pod()["securityContext"]
    assert f"{user['runAsUser']}:{user['runAsGroup']}" == instruction("USER")
    (mount,) = container()["volumeMounts"]
    assert f"RELAY_DATA_DIR={mount['mountPath']}" in (ROOT / "Dockerfile").read_text()
    assert container()["resources"]["limits"].keys() == {"memory"}


def test_kustomize_builds_the_example(tmp_path: Path) -> None:
    """Where kubectl is; what the other tests read are the same files."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, and no package of Debian's has it")
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes/overlays/example"
    (overlay / "secrets.env.example").rename(overlay / "secrets.env")
    done = subprocess.run(
        ["kubectl", "kustomize", overlay], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    assert set(built) == {*documents(), "ConfigMap", "Secret"}
    assert set(built["ConfigMap"]["data"]) | set(built["Secret"]["data"]) == set(environment())
    (relay,) = built["Deployment"]["spec"]["template"]["spec"]["containers"]
    named = [reference["name"] for source in relay["envFrom"] for reference in source.values()]
    # With the hash of what is in them, so that a change is a rollout.
    assert named == [built[kind]["metadata"]["name"] for kind in ("ConfigMap", "Secret")]
    assert all(re.fullmatch(rf"{NAME}-\w{{10}}", name) for name in named)
    (image,) = kustomization(OVERLAY)["images"]
    assert relay["image"] == f"{image['newName']}:{image['newTag']}"
    selector = built["Deployment"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= built["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
