"""What holds for all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is said by the machine, not by our code.
settings.register_profile("scribe-relay", deadline=None)
settings.load_profile("scribe-relay")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the lines that led to each failure once more: what a test logs may fill the screen."""
    for outcome in ("failed", "error"):
        for report in terminalreporter.stats.get(outcome, ()):
            traceback = getattr(report.longrepr, "reprtraceback", None)
            # Those of a group of exceptions are written by Python itself, without places.
            entries = getattr(traceback, "reprentries", ())
            places = [getattr(entry, "reprfileloc", None) for entry in entries]
            lines = [f"{Path(place.path).name}:{place.lineno}" for place in places if place]
            terminalreporter.write_line(f"{report.nodeid}\n  {' > '.join(lines)}")
