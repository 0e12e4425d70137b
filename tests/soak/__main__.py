"""Soak a relay: `python -m tests.soak`; the exit code says whether it leaks."""

import argparse
import sys
from collections.abc import Sequence

from tests.soak.soak import soak


def main(arguments: Sequence[str] | None = None) -> int:
    """Run for as long as is asked; 1 if something grew, or was left behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, metavar="N", help="(default 20)")
    parser.add_argument(
        "--sessions", type=int, default=100, metavar="N", help="at once (default 100)"
    )
    asked = parser.parse_args(arguments)
    report = soak(
        asked.minutes * 60, sessions=asked.sessions, length=(10, 60), interval=2, warm_up=0.25
    )
    sys.stdout.write(f"{report.sessions} sessions, {len(report.looks)} looks\n")
    sys.stdout.writelines(f"{rise}\n" for rise in report.rises)
    sys.stdout.writelines(f"DEFECT {defect}\n" for defect in report.defects)
    return int(bool(report.defects))


if __name__ == "__main__":
    sys.exit(main())
