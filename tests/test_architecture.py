"""The dependency rule of docs/topics/architecture.md: who may import whom."""

import ast
import re
from pathlib import Path

import pytest

RELAY = Path(__file__).parent.parent / "relay"

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "logs": set(),
    "audio": {"errors"},
    "scribe": {"errors"},
    "protocol": {"errors"},
    "analysis": {"errors"},
    "captions": {"errors"},
    "folding": set(),
    "retention": {"folding"},
    "exports": {"captions", "store"},
    "exporting": {"exports", "recording", "store"},
    "recording": {"audio", "meter"},
    "tidying": {"recording", "registry", "retention", "store", "errors"},
    "analysing": {"analysis", "meter", "store", "errors"},
    "notifying": {"analysis", "meter", "store", "errors"},
    "redaction": set(),
    "storing": {"redaction", "registry", "store", "errors"},
    "erasing": {"recording", "store"},
    "personal": {"erasing", "exporting", "exports", "recording", "store"},
    "sweep": {"registry", "retention", "store", "errors"},
    "upstream": {"audio", "scribe", "errors"},
    "downstream": {"audio", "scribe", "protocol", "errors"},
    "simulator": {"audio", "scribe", "errors"},
    "client": {"protocol", "errors"},
    "translator": {"audio", "protocol", "upstream", "errors"},
    "bridge_config": {"audio", "protocol"},
    "meter": set(),
    "tracing": {"meter"},
    "latencies": set(),
    "metrics": {"analysis", "audio", "scribe", "upstream", "meter"},
    "logbook": set(),
    "noting": {"logbook", "meter"},
    "presence": {"registry", "sessions", "errors"},
    "sampling": {"metrics", "limits", "registry", "sessions", "upstream", "errors"},
    "lines": {"scribe", "upstream"},
    "dialler": {"upstream", "lines", "meter", "errors"},
    "upstream_slot": {"limits"},
    "succession": {"scribe", "upstream", "lines", "dialler", "upstream_slot", "meter"},
    "uplink": {
        "scribe",
        "upstream",
        "lines",
        "dialler",
        "upstream_slot",
        "succession",
        "bridge_config",
        "latencies",
        "meter",
        "limits",
        "errors",
    },
    "downlink": {"protocol", "downstream", "registry"},
    "chronicle": {
        "protocol",
        "upstream",
        "downstream",
        "translator",
        "bridge_config",
        "downlink",
        "meter",
        "registry",
    },
    "lifetime": {"translator"},
    "intake": {
        "audio",
        "scribe",
        "protocol",
        "upstream",
        "downstream",
        "bridge_config",
        "limits",
        "recording",
        "errors",
    },
    "lifecycle": {
        "protocol",
        "upstream",
        "downstream",
        "translator",
        "bridge_config",
        "uplink",
        "downlink",
        "lifetime",
        "intake",
        "meter",
        "limits",
        "errors",
    },
    "comeback": {
        "protocol",
        "downstream",
        "translator",
        "downlink",
        "chronicle",
        "intake",
        "lifecycle",
        "limits",
        "registry",
        "errors",
    },
    "bridge": {
        "audio",
        "chronicle",
        "lifecycle",
        "intake",
        "comeback",
        "protocol",
        "upstream",
        "downstream",
        "translator",
        "bridge_config",
        "upstream_slot",
        "uplink",
        "downlink",
        "latencies",
        "meter",
        "limits",
        "recording",
        "registry",
        "errors",
    },
    "hosting": {
        "meter",
        "audio",
        "scribe",
        "downstream",
        "upstream",
        "translator",
        "bridge_config",
        "uplink",
        "bridge",
        "auth",
        "recording",
        "noting",
        "registry",
        "retention",
        "seat",
        "sessions",
        "store",
        "errors",
    },
    "http": {
        "folding",
        "meter",
        "exports",
        "exporting",
        "personal",
        "audio",
        "scribe",
        "protocol",
        "downstream",
        "auth",
        "limits",
        "recording",
        "metrics",
        "registry",
        "hosting",
        "store",
        "state",
        "errors",
    },
    "auth": {"state", "store", "errors"},
    "edge": {"downstream"},
    "settings": {"analysis", "auth", "redaction", "retention", "scribe", "errors"},
    "state": {"errors"},
    "store": {"folding", "retention", "errors"},
    "limits": {"state", "errors"},
    "registry": {"logbook", "state", "errors"},
    "seat": {
        "translator",
        "bridge_config",
        "bridge",
        "auth",
        "limits",
        "logbook",
        "registry",
        "store",
        "errors",
    },
    "bookkeeping": {"bridge_config", "store", "errors"},
    "reservations": {"seat", "limits", "registry", "errors"},
    "sessions": {
        "translator",
        "bridge_config",
        "bookkeeping",
        "reservations",
        "bridge",
        "seat",
        "auth",
        "limits",
        "logbook",
        "registry",
        "store",
        "errors",
    },
}
"""Each part of `relay` and the parts it may import; those that wire may import all of them."""

WIRING = {"app", "services", "server", "cli", "doctor", "__main__"}
"""The only parts that see `Settings`."""


def part_of(path: Path) -> str:
    return path.relative_to(RELAY).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Name the parts of `relay` that a file imports, those for type checking included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0, names=names):
                modules = [f"{module}.{alias.name}" for alias in names]
            case ast.ImportFrom(level=level) if level:
                pytest.fail(f"{path}: relative imports hide what is imported")
            case _:
                continue
        found |= {name.split(".")[1] for name in modules if name.startswith("relay.")}
    return found - {"__version__"}


FILES = sorted(RELAY.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RELAY)))
def test_imports_only_what_stands_above(path: Path) -> None:
    part = part_of(path)
    if part in WIRING or part == "__init__":
        return
    assert imports(path) - {part} <= ALLOWED[part]


PURE = [
    path
    for path in FILES
    if part_of(path)
    in {
        "audio",
        "protocol",
        "scribe",
        "captions",
        "exports",
        "folding",
        "latencies",
        "lifetime",
        "redaction",
        "logbook",
        "retention",
        "translator",
    }
]
PURE += [
    path
    for path in FILES
    if part_of(path) in {"upstream", "downstream"}
    and path.name not in ("connection.py", "tokens.py")
]
PURE += [
    RELAY / "auth" / f"{name}.py"
    for name in (
        "addresses",
        "identities",
        "origins",
        "places",
        "resume_tokens",
        "signing",
        "throttle",
    )
]
PURE += [
    RELAY / "metrics" / f"{name}.py" for name in ("families", "figures", "reference", "values")
]
PURE += [RELAY / "limits" / f"{name}.py" for name in ("allowance", "pace", "policy", "terms")]
PURE += [RELAY / "recording" / f"{name}.py" for name in ("parts", "wav")]
PURE += [RELAY / "store" / "fulltext.py"]
PURE += [
    RELAY / "analysis" / f"{name}.py"
    for name in (
        *("lexicon", "local", "matching", "moderation", "retrying", "scores", "tokens"),
        "webhooks",
    )
]
PURE += [
    path
    for path in FILES
    if part_of(path) == "client"
    and path.name not in ("stream.py", "connection.py", "dialing.py", "direct.py", "pulse.py")
]
PURE += [
    RELAY / "simulator" / f"{name}.py"
    for name in (
        "actions",
        "behaviour",
        "credentials",
        "endpointer",
        "engines/wire",
        "extras",
        "faults",
        "refusals",
        "session",
    )
]


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(RELAY)))
def test_the_pure_ring_neither_waits_nor_looks_at_the_clock(path: Path) -> None:
    tree = ast.parse(path.read_text())
    modules = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        node.module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not modules & {"asyncio", "socket", "time", "random", "threading", "datetime", "os"}
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(tree))


# The browser's side: docs/topics/browser.md.

WEB = RELAY.parent / "web" / "src"

WEB_ALLOWED: dict[str, set[str]] = {
    "client": set(),
    "audio": {"client"},
    "transcript": {"client"},
    "texts": {"client", "audio"},
    "recording": {"client", "audio", "transcript"},
    "react": {"client", "audio", "transcript", "texts", "recording"},
}
"""Each folder of `web/src` and the folders it may import; pages may import all of them."""

WEB_LIBRARIES: dict[str, set[str]] = {"react": {"react"}}
"""The npm packages that each of them may import."""

WEB_FILES = sorted(path for path in WEB.rglob("*.ts*") if ".test." not in path.name)

WEB_PURE = [
    *(WEB / "client" / f"{name}.ts" for name in ("AudioRing", "Conversation", "LatencyMeter")),
    *(WEB / "client" / f"{name}.ts" for name in ("Failures", "LostRanges", "ReconnectPolicy")),
    *(WEB / "client" / f"{name}.ts" for name in ("Segments", "SessionClock", "Timeline")),
    *(WEB / "client" / f"{name}.ts" for name in ("endpoint", "protocol", "relayProblem")),
    *(WEB / "client" / f"{name}.ts" for name in ("parseServerMessage", "problems")),
    *(WEB / "audio" / f"{name}.ts" for name in ("MessageCollector", "SilenceWatch", "level")),
    *(path for path in WEB_FILES if path.parent.name == "transcript"),
    WEB / "pages" / "kiosk" / "Utterances.ts",
    *(WEB / "pages" / "ops" / f"{name}.ts" for name in ("course", "history", "recent")),
    WEB / "pages" / "ops" / "sessionList.ts",
]


def web_imports(path: Path) -> tuple[set[str], set[str]]:
    """Name the folders of `web/src` and the npm packages that a file imports."""
    targets = re.findall(r'(?:\bfrom|\bimport) "([^"]+)"', path.read_text())
    inner = [(path.parent / target).resolve() for target in targets if target.startswith(".")]
    folders = {each.relative_to(WEB).parts[0] for each in inner}
    return folders, {target.split("/")[0] for target in targets if not target.startswith(".")}


@pytest.mark.parametrize("path", WEB_FILES, ids=lambda path: str(path.relative_to(WEB)))
def test_the_web_imports_only_what_stands_above(path: Path) -> None:
    folder = path.relative_to(WEB).parts[0]
    if folder not in WEB_ALLOWED:
        return  # pages, fakes for tests, and the list of what is public
    folders, libraries = web_imports(path)
    assert folders - {folder} <= WEB_ALLOWED[folder]
    assert libraries <= WEB_LIBRARIES.get(folder, set())


@pytest.mark.parametrize("path", WEB_PURE, ids=lambda path: str(path.relative_to(WEB)))
def test_the_webs_pure_files_neither_wait_nor_touch_the_browser(path: Path) -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)
    impure = r"\b(async|await|Promise|setTimeout|setInterval|performance|Date\.now|Math\.random"
    impure += r"|document|window|navigator|fetch|new WebSocket)\b"
    assert re.findall(impure, code) == []
