"""What pages load: built scripts under names that change, and how long browsers keep them."""

import json
from pathlib import Path

import aiohttp
import pytest

from relay import app
from relay.http.access import HEADERS
from relay.http.assets import COMPRESSED_FROM, Assets
from relay.http.manifest import Entry
from tests.http.conftest import NOWHERE
from tests.support.people import NOBODY, Answer, ask
from tests.support.relay import Relay, relay_to

SCRIPT = "export const text = 'said';\n" * 100
"""Longer than what is compressed."""

FILES = {
    "recorder-Ab1_x-Zy.js": SCRIPT,
    "shared-1.js": "export {};",
    "recorder-1.css": "p {}",
    "recorder-1.js.map": "{}",
    ".vite/license.md": "MIT",
    ".vite/manifest.json": json.dumps(
        {
            "src/pages/recorder/main.tsx": {
                "file": "recorder-Ab1_x-Zy.js",
                "name": "recorder",
                "isEntry": True,
                "imports": ["_shared-1.js"],
                "css": ["recorder-1.css"],
            },
            "_shared-1.js": {"file": "shared-1.js"},
        }
    ),
}


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as Vite leaves it, which relays serve."""
    folder = tmp_path / "built"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(app, "Assets", lambda: Assets(built=folder))
    return folder


async def fetch(relay: Relay, path: str, headers: dict[str, str] = NOBODY) -> tuple[Answer, bytes]:
    """Ask for a file as it comes over the line."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(f"{relay.url}{path}", headers={"Accept-Encoding": "", **headers}) as answer,
    ):
        body = await answer.read()
        return Answer(answer.status, answer.headers, "", answer.cookies), body


def test_a_page_finds_its_script_and_what_belongs_to_it(built: Path) -> None:
    assert Assets(built=built).entry("recorder") == Entry(
        "/static/recorder-Ab1_x-Zy.js", ("/static/shared-1.js",), ("/static/recorder-1.css",)
    )


def test_a_page_that_nobody_built_has_no_script(built: Path, tmp_path: Path) -> None:
    assert Assets(built=built).entry("kiosk") is None
    assert Assets(built=tmp_path / "nowhere").entry("recorder") is None


async def test_what_has_a_hash_in_its_name_is_kept_for_a_year(built: Path) -> None:
    async with relay_to(NOWHERE) as relay:
        answer = await ask(relay, "GET", "/static/recorder-Ab1_x-Zy.js")
        assert (answer.status, answer.text) == (200, SCRIPT)
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await ask(relay, "GET", "/static/recorder-1.css")).text == "p {}"


@pytest.mark.parametrize(
    "name", ["recorder-1.js.map", "manifest.json", ".vite/manifest.json", "license.md", ".vite"]
)
async def test_what_no_page_loads_is_not_served(built: Path, name: str) -> None:
    async with relay_to(NOWHERE) as relay:
        assert (await ask(relay, "GET", f"/static/{name}")).status == 404


async def test_long_scripts_go_out_compressed_to_whoever_takes_that(built: Path) -> None:
    async with relay_to(NOWHERE) as relay:
        path = "/static/recorder-Ab1_x-Zy.js"
        plain, text = await fetch(relay, path)
        assert "Content-Encoding" not in plain.headers
        assert text.decode() == SCRIPT
        for header in ("gzip", "br, GZIP;q=0.5"):
            packed, content = await fetch(relay, path, {"Accept-Encoding": header})
            assert packed.headers["Content-Encoding"] == "gzip"
            assert len(content) < len(SCRIPT) / 10
            assert packed.headers["ETag"] != plain.headers["ETag"]
        assert (await ask(relay, "GET", path, {"Accept-Encoding": "gzip"})).text == SCRIPT
        for header in ("gzip;q=0", "br", "identity"):
            answer, _ = await fetch(relay, path, {"Accept-Encoding": header})
            assert "Content-Encoding" not in answer.headers
        assert plain.headers["Vary"] == packed.headers["Vary"] == "accept-encoding"


async def test_what_is_short_is_not_worth_compressing(built: Path) -> None:
    assert len(FILES["shared-1.js"]) <= COMPRESSED_FROM
    async with relay_to(NOWHERE) as relay:
        answer, _ = await fetch(relay, "/static/shared-1.js", {"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in answer.headers
        assert "Vary" not in answer.headers


async def test_a_browser_that_has_it_is_told_so_in_either_encoding(built: Path) -> None:
    async with relay_to(NOWHERE) as relay:
        path = "/static/recorder-Ab1_x-Zy.js"
        for encoding in ({}, {"Accept-Encoding": "gzip"}):
            first, _ = await fetch(relay, path, encoding)
            tag = first.headers["ETag"]
            again, content = await fetch(relay, path, {**encoding, "If-None-Match": tag})
            assert (again.status, content) == (304, b"")
            assert again.headers["ETag"] == tag
            assert again.headers["Vary"] == "accept-encoding"
            assert "Content-Encoding" not in again.headers


def test_the_policy_lets_scripts_of_ours_run_and_nothing_else() -> None:
    pairs = [each.strip().partition(" ") for each in HEADERS["content-security-policy"].split(";")]
    policy = {name: value for name, _, value in pairs}
    assert policy["default-src"] == "'none'"
    # Over 'self' goes the session's WebSocket as well.
    for name in ("script-src", "style-src", "connect-src", "worker-src"):
        assert policy[name] == "'self'"
    assert "unsafe" not in HEADERS["content-security-policy"]
    assert "blob:" not in HEADERS["content-security-policy"]
