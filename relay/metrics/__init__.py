"""Metrics for Prometheus: every collector, and how several workers' become one."""

from relay.metrics.collectors import Metrics
from relay.metrics.exchange import Exchange

__all__ = ["Exchange", "Metrics"]
