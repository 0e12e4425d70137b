"""Each pure module is fully covered, branches included, by its own test file.

Coverage that other tests leave behind by passing through proves nothing, so only what a module's
own file runs counts here. Call after `pytest --cov --cov-context=test`:

    python -m tests.support.own_coverage
"""

import io
import sys
from pathlib import Path

from coverage import Coverage

from tests.test_architecture import PURE

ROOT = Path(__file__).parents[2]


def test_file_of(module: Path) -> str:
    """`relay/audio/pcm.py` → `tests/audio/test_pcm.py`."""
    folders = module.relative_to(ROOT / "relay").parent
    return str(Path("tests") / folders / f"test_{module.name}")


def lacking(coverage: Coverage, module: Path) -> str | None:
    """What the module's own tests don't run, as a report; None if nothing."""
    coverage.set_option("report:contexts", ["^$", f"^{test_file_of(module)}::"])
    report = io.StringIO()
    percent = coverage.report(
        include=[str(module)], show_missing=True, skip_empty=True, file=report
    )
    return None if percent == 100 else report.getvalue().splitlines()[2]


def main() -> int:
    """Report the modules that lack something; the exit code says whether there are any."""
    coverage = Coverage()
    coverage.load()
    modules = [path for path in PURE if path.name != "__init__.py"]
    found = [line for module in modules if (line := lacking(coverage, module))]
    sys.stdout.write("\n".join([*found, ""]) if found else "")
    covered = len(modules) - len(found)
    sys.stdout.write(f"{covered} of {len(modules)} pure modules covered by their own tests\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
