"""What is handed out: a source that builds, and a wheel with the pages in it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MANIFEST = "relay/http/built/.vite/manifest.json"


def build(source: Path, target: str, folder: Path) -> Path:
    """Build with the tools of this environment, which the lock files pin."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of this checkout."""
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else has built the pages."""
    monkeypatch.setenv("SCRIBE_RELAY_PAGES_ARE_BUILT", "1")


@pytest.fixture
def source(sdist: Path, tmp_path: Path) -> Path:
    """The source distribution, unpacked."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / sdist.name.removesuffix(".tar.gz")


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_source_holds_what_the_pages_are_built_from_and_nothing_built(source: Path) -> None:
    for name in ("web/package-lock.json", "web/.npmrc", "web/vite.config.ts", "hatch_build.py"):
        assert (source / name).is_file(), name
    for name in ("web/node_modules", "web/dist", "relay/http/built"):
        assert not (source / name).exists(), name


def test_a_wheel_from_the_source_holds_the_built_pages_and_all_that_migrations_need(
    source: Path, tmp_path: Path
) -> None:
    names = names_in(build(source, "wheel", tmp_path / "wheel"))
    assert {MANIFEST, "relay/http/built/.vite/license.md"} <= names
    for page in ("recorder", "kiosk"):
        built = [name for name in names if name.startswith(f"relay/http/built/{page}-")]
        assert [name for name in built if name.endswith(".js")]
    assert not [name for name in names if name.startswith("web/") or "node_modules" in name]
    migrations = source / "relay/store/migrations"
    needed = {str(path.relative_to(source)) for path in migrations.rglob("*") if path.is_file()}
    assert {name for name in names if "/migrations/" in name} == needed
    assert "relay/store/migrations/script.py.mako" in needed


@pytest.mark.usefixtures("no_node")
def test_whoever_brings_built_pages_along_needs_no_node(source: Path, tmp_path: Path) -> None:
    manifest = source / MANIFEST
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    wheel = build(source, "wheel", tmp_path / "wheel")
    assert MANIFEST in names_in(wheel)
    assert not (source / "web/node_modules").exists()


@pytest.mark.usefixtures("no_node")
def test_no_wheel_is_built_without_the_pages(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the pages are not built"):
        build(source, "wheel", tmp_path / "wheel")
