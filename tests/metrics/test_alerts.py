"""Alerts, their pages and the dashboard, against what a relay really has."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.metrics.families import FAMILIES, Kind

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/alerts.yml"
TESTS = ROOT / "deploy/prometheus/alerts.test.yml"
PAGE = ROOT / "docs/operations/alerts.md"
DASHBOARD = ROOT / "deploy/grafana/dashboards/relay.json"


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def sections() -> dict[str, str]:
    _, *found = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    return {section.split("\n", 1)[0]: section for section in found}


def samples() -> set[str]:
    """The name of every line that `/metrics` has."""
    found = set()
    for family in FAMILIES:
        ends = ("_bucket", "_sum", "_count") if family.kind is Kind.HISTOGRAM else ("",)
        found |= {family.full_name + end for end in ends}
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def shown() -> Iterator[tuple[str, str]]:
    """Each expression of the dashboard, with its panel's title, as Prometheus would get it."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$__rate_interval", "1m")
            yield panel["title"], expression.replace("$instance", ".*")


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, cwd=RULES.parent, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    assert sorted(sections()) == sorted(rule["alert"] for rule in rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert (ROOT / page, anchor) == (PAGE, rule["alert"].lower())
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.findall(r"^\*\*(.+?)\*\* \S", sections()[rule["alert"]], re.MULTILINE) == [
        "Means",
        "Users see",
        "Look",
        "Do",
    ]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    names = set(re.findall(r"relay_\w+", rule["expr"]))
    assert names
    assert names <= samples()
    check_labels(rule["expr"])


def test_each_alert_is_shown_to_fire_and_to_be_silent() -> None:
    tried = [
        (one["alertname"], bool(one["exp_alerts"]))
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for one in test["alert_rule_test"]
    ]
    assert {(rule["alert"], fires) for rule in rules() for fires in (True, False)} == set(tried)


def test_alerts_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", TESTS.name)


def test_the_dashboard_asks_for_what_there_is() -> None:
    for title, expression in shown():
        names = set(re.findall(r"relay_\w+", expression))
        assert names, title
        assert names <= samples(), title
        check_labels(expression)


def check_labels(expression: str) -> None:
    """Every label that is asked for exists, with the values that are asked for."""
    for name, body in re.findall(r"(relay_\w+)\{([^}]*)\}", expression):
        family = next(
            family
            for family in FAMILIES
            if name in (family.full_name, *(family.full_name + end for end in ENDS))
        )
        for label, pattern in re.findall(r'(\w+)[=!]~?"([^"]*)"', body):
            if label != "instance":
                assert set(pattern.split("|")) <= set(family.labels[label]), (name, label)


ENDS = ("_bucket", "_sum", "_count")


def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    records = [
        {"record": f"panel:{number}", "expr": expression}
        for number, (_, expression) in enumerate(shown())
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": records}]}))
    assert f"{len(records)} rules found" in promtool("check", "rules", str(file))


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    text = " ".join([*(rule["expr"] for rule in rules()), *(each for _, each in shown())])
    unseen = {family.full_name for family in FAMILIES if family.full_name not in text}
    assert unseen == {"relay_build_info"}


def test_panels_say_what_they_show_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"] for panel in panels if panel["type"] != "row")
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
