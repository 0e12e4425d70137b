"""A real Prometheus, which scrapes a relay on a free port of this machine."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import yaml

from tests.support.ports import free_port
from tests.support.processes import answers
from tests.support.waiting import wait_until

SCRAPE_INTERVAL = "250ms"


class PrometheusServer:
    """`prometheus` from the system's package, with nothing that outlives it.

    with PrometheusServer("127.0.0.1:8000") as server:
        await server.query("relay_workers")
    """

    def __init__(self, target: str, *, rules: Path | None = None) -> None:
        """Describe one that scrapes `target` four times a second, and evaluates `rules`."""
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="scribe-relay-prometheus-"))
        config = {
            "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": "1s"},
            "scrape_configs": [
                {"job_name": "scribe-relay", "static_configs": [{"targets": [target]}]}
            ],
            "rule_files": [] if rules is None else [str(rules)],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        log = (self._folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: answers(f"{self._url}/-/ready"), "Prometheus to be ready", seconds=30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def query(self, expression: str) -> dict[str, float]:
        """What an expression is now: each series' values of its labels, joined, and its value."""
        answer = await self._ask("query", query=expression)
        return {
            " ".join(v for k, v in sorted(each["metric"].items()) if k not in COMMON): float(
                each["value"][1]
            )
            for each in answer["result"]
        }

    async def value(self, expression: str) -> float | None:
        """What an expression with one series is now; None where there is none yet."""
        found = await self.query(expression)
        return next(iter(found.values()), None)

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule, with how its evaluation went."""
        answer = await self._ask("rules")
        return [rule for group in answer["groups"] for rule in group["rules"]]

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def _ask(self, path: str, **parameters: str) -> Any:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self._url}/api/v1/{path}?{urlencode(parameters)}") as answer,
        ):
            body = await answer.json()
            assert body["status"] == "success", (parameters, body)
            return body["data"]


COMMON = {"__name__", "instance", "job"}
