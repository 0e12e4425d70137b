"""From what was measured to what many sessions need, on many hosts. Pure."""

from dataclasses import dataclass
from typing import Any, Final

SHARE: Final = 0.7
"""Of a core that is to be busy at most: what is beyond it, is for peaks."""

CORES: Final = 8
"""Of a host."""

REDIS_SHARE: Final = 0.5
"""Of Redis's one core that is to be busy at most."""

SESSIONS: Final = 100_000

LEDGER_KB: Final = 32.0
"""Of a session per second of uncommitted audio: 16 kHz, 16 bits."""

UNCOMMITTED: Final = 5.0
"""Seconds of it that a session has on average, to be on the safe side."""

DEPLOY_SECONDS: Final = 10.0
"""In which a host that leaves hands its sessions on."""


@dataclass(frozen=True)
class Model:
    """What a session costs, by the messages that it sends: in µs of processor time."""

    per_second: float
    """Of a session, whatever it sends."""
    per_message: float

    @classmethod
    def fitted(cls, sizes: dict[str, Any]) -> "Model | None":
        """From the longest and the shortest messages that were measured; the others check it."""
        prices = {
            int(name.split()[-1]): answer["cpu_us"]
            for name, answer in sizes.items()
            if name.startswith("relay ") and "cpu_us" in answer and not answer.get("void")
        }
        if len(prices) < 2:
            return None
        short, long = min(prices), max(prices)
        messages = 1000 / short - 1000 / long
        per_message = (prices[short] - prices[long]) / messages
        return cls(prices[long] - per_message * 1000 / long, per_message)

    def price(self, message_ms: int) -> float:
        """µs per session-second."""
        return self.per_second + self.per_message * 1000 / message_ms


def cluster(results: dict[str, dict[str, Any]]) -> list[list[object]]:
    """What 100,000 sessions need: rows of a table."""
    relay = results["messages of 100 ms"]["relay"]
    redis = results["redis"]["relay"]
    opening = results["openings"]["relay"]
    per_core = SHARE * 1e6 / relay["cpu_us"]
    per_host = per_core * CORES
    hosts = -(-SESSIONS // per_host) + 1
    kilobytes = relay["memory_kb"] + LEDGER_KB * UNCOMMITTED
    workers = redis["commands_per_worker_minute"] * hosts * CORES
    commands = (redis["commands_per_session_minute"] * SESSIONS + workers) / 60
    redis_cores = redis["redis_cpu_us_per_session_second"] * SESSIONS / 1e6 / REDIS_SHARE
    moved = per_host / DEPLOY_SECONDS
    openable = (1 - SHARE) * 1000 / opening["cpu_ms"] * CORES * (hosts - 1)
    return [
        [f"sessions per core, at {SHARE:.0%}", f"{per_core:,.0f}"],
        [f"hosts of {CORES} cores, a worker on each, one host to spare", f"{hosts:,.0f}"],
        ["memory of a host, GB", f"{per_host * kilobytes / 1e6:.1f}"],
        ["commands in Redis per second, those within scripts too", f"{commands:,.0f}"],
        [f"Redis cores, {REDIS_SHARE:.0%} busy", f"{redis_cores:.1f}"],
        ["sessions for each of them", f"{SESSIONS / redis_cores:,.0f}"],
        ["audio from clients, Gbit/s (48 kHz float32)", f"{SESSIONS * 48_000 * 32 / 1e9:.0f}"],
        ["audio to the provider, Gbit/s", f"{SESSIONS * 16_000 * 16 * 4 / 3 / 1e9:.0f}"],
        ["places at the provider", f"{SESSIONS:,}, and {per_host:,.0f} while a host leaves"],
        [
            f"sessions that a host hands on in {DEPLOY_SECONDS:.0f} s, per second",
            f"{moved:,.0f}",
        ],
        ["… of what the other hosts could open beside their work", f"{moved / openable:.0%}"],
    ]
