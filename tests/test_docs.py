"""The documentation against the code: what it names exists, and what exists is in it."""

import ast
import glob
import importlib.util
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args
from urllib.parse import urlencode

import click
import jsonschema
import msgspec
import pytest

import relay
from relay.app import _upstream_parameters
from relay.audio.pcm import WireFormat
from relay.auth.resume_tokens import issue_token
from relay.cli import command_line
from relay.cli.reference import render as render_commands
from relay.downstream.options import OptionPolicy
from relay.downstream.request import parse_request
from relay.downstream.scribe_wording import ERROR_TYPES
from relay.errors import InvalidRequest
from relay.metrics.reference import render as render_metrics
from relay.protocol import messages as protocol
from relay.protocol.close_codes import CloseCode
from relay.scribe.errors import ErrorType
from relay.scribe.parameters import PARAMETERS, Parameters
from relay.scribe.reference import HANDLING, PASSED_ON
from relay.scribe.reference import render as render_parameters
from relay.settings import known_variables
from relay.settings.reference import render_env, render_markdown
from relay.simulator.faults import Fault, FaultKind
from tests.support import contract
from tests.test_architecture import ALLOWED, WEB_ALLOWED, WIRING

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SDK_FOLDERS = [ROOT / "tests/sdk/browser", ROOT / "tests/sdk/node"]
NPM_FOLDERS = [ROOT / "web", *SDK_FOLDERS, ROOT / "bench/node"]
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("web/*.md")])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    code: str


FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[Block]:
    found = [Block(*match.groups()) for match in FENCE.finditer(page.read_text())]
    return [block for block in found if block.language in languages] if languages else found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """The `code` within the prose of a page."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line that a page shows, in words, without what comments say."""
    lines = [line for block in blocks(page, "sh") for line in joined(block.code).splitlines()]
    for line in [*lines, *spans(page)]:
        for part in re.split(r"\s[|&;]+\s", line.partition(" #")[0]):
            words = part.split()
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def joined(text: str) -> str:
    return text.replace("\\\n", "")


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without the table's own head."""
    _, _, below = text.partition(f"\n{heading}\n")
    assert below, f"no {heading}"
    rows: list[list[str]] = []
    for line in below.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif rows:
            break
    return rows[2:]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# Pages that are made from code.


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("docs/reference/settings.md", render_markdown),
        (".env.example", render_env),
        ("docs/reference/commands.md", render_commands),
        ("docs/reference/scribe-parameters.md", render_parameters),
        ("docs/reference/metrics.md", render_metrics),
    ],
)
def test_a_page_made_from_code_is_what_the_code_says(file: str, made: Any) -> None:
    assert (ROOT / file).read_text() == made(), "make it again: make docs"


CHANGED: dict[str, Any] = {
    "model_id": "scribe_v2_realtime_turbo",
    "audio_format": "pcm_8000",
    "language_code": "uk",
    "secondary_languages": ("uk",),
    "commit_strategy": "vad",
    "vad_silence_threshold_secs": 2.0,
    "vad_threshold": 0.6,
    "keyterms": ("Kyiv",),
    "entity_detection": ("all",),
    "entity_redaction": ("all",),
    "entity_redaction_mode": "redacted",
    "transcript_edit": "in capitals",
}
"""A value of each parameter that isn't its default, where that is neither a switch nor in ms."""


def _changed(name: str) -> dict[str, Any]:
    """A value of a parameter that isn't its default, and what it needs beside it."""
    default = PARAMETERS[name].default
    value = not default if isinstance(default, bool) else CHANGED.get(name, 1000)
    needed = {"entity_redaction": ("all",)} if name == "entity_redaction_mode" else {}
    return {**needed, name: value}


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_the_relay_does_about_a_parameter_is_what_its_page_says(name: str) -> None:
    asked = Parameters(**_changed(name))
    pairs = [pair for pair in asked.to_query() if pair[0] in _changed(name)]
    policy = OptionPolicy(allowed_surcharges=frozenset(PARAMETERS))
    handling = HANDLING.get(name, PASSED_ON)
    if handling.startswith("refused"):
        with pytest.raises(InvalidRequest, match=name):
            parse_request(pairs, policy)
        return
    granted = parse_request(pairs, policy).parameters
    assert getattr(granted, name) == getattr(asked, name)
    sent = getattr(_upstream_parameters(granted, WireFormat.PCM_16000), name)
    assert (sent == getattr(asked, name)) == (handling == PASSED_ON)


# Links.


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


@cache
def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    for page in DOCS.rglob("*.md"):
        if page.name != "README.md":
            assert f"({page.relative_to(DOCS)})" in index, page


# What pages name.

FOLDERS = ("relay", "tests", "bench", "docs", "scripts", "requirements", "deploy", ".ci")


@every_page
def test_every_path_exists(page: Path) -> None:
    for span in spans(page):
        if not re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", span) or "/" not in span:
            continue
        if span.partition("/")[0] in FOLDERS:
            assert glob.glob(span, root_dir=ROOT), span
        elif span.endswith((".py", "/")) and (ROOT / "relay" / span.split("/")[0]).is_dir():
            assert (ROOT / "relay" / span).exists(), span


@cache
def all_tests() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@every_page
def test_every_test_exists(page: Path) -> None:
    for span in spans(page):
        if re.fullmatch(r"test_\w+", span):
            assert f"def {span}(" in all_tests(), span


@every_page
def test_every_variable_exists(page: Path) -> None:
    for variable in re.findall(r"\b(?:RELAY|ELEVENLABS)_[A-Z_]*[A-Z]\b", page.read_text()):
        assert variable in known_variables(), variable


@every_page
def test_every_make_target_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in commands(page):
        if words[0] == "make":
            for word in words[1:]:
                assert word in targets or re.match("[A-Z]+=", word), words


@every_page
def test_every_command_and_its_flags_exist(page: Path) -> None:
    for words in commands(page):
        if words[0] != "scribe-relay" or words == ["scribe-relay"]:
            continue
        if not re.fullmatch(r"[a-z-]+", words[1]):
            continue  # a version, in what a command prints
        command, rest = command_line.commands[words[1]], words[2:]
        if isinstance(command, click.Group) and rest:
            command, rest = command.commands[rest[0]], rest[1:]
        known = {flag for option in command.params for flag in option.opts}
        flags = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert flags - {"-"} <= known, words


def every_command() -> Iterator[click.Command]:
    for command in command_line.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


@every_page
def test_flags_named_next_to_a_command_exist(page: Path) -> None:
    known = {
        flag
        for command in every_command()
        for option in command.params
        if isinstance(option, click.Option)
        for flag in option.opts
    }
    foreign = {"--require-hashes", "--universal"}  # of pip and uv
    for span in spans(page):
        if re.fullmatch(r"--[a-z-]+( .*)?", span):
            assert span.split()[0] in known | foreign, span


@every_page
def test_every_module_that_is_run_exists(page: Path) -> None:
    for words in commands(page):
        if words[0] in ("python", "python3") and words[1:2] == ["-m"]:
            assert importlib.util.find_spec(words[2]), words


@every_page
def test_python_compiles_and_imports_what_exists(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(compile(block.code, str(page), "exec", ast.PyCF_ONLY_AST)):
            if not isinstance(node, ast.ImportFrom):
                continue
            assert node.module
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name), f"{node.module}.{alias.name}"


def test_typescript_compiles_against_the_package(tmp_path: Path) -> None:
    """A page's blocks are modules side by side; `credential` is the one that exports it."""
    written = 0
    for page in PAGES:
        folder = tmp_path / name_of(page)
        folder.mkdir(parents=True)
        for number, (_, code) in enumerate(blocks(page, "ts", "tsx")):
            name = "credential" if "export const credential" in code else f"block{number}"
            (folder / f"{name}.tsx").write_text(code)
            written += 1
    assert written
    (tmp_path / "node_modules").symlink_to(ROOT / "web/node_modules")
    package = {
        "@scribe-relay/client": [str(ROOT / "web/src/index.ts")],
        "@scribe-relay/client/react": [str(ROOT / "web/src/react/index.ts")],
        "@scribe-relay/client/react/styles.css": [str(ROOT / "web/src/react/styles.css")],
    }
    config = {
        "extends": str(ROOT / "web/tsconfig.json"),
        "compilerOptions": {"paths": package, "noUnusedLocals": False},
        "include": ["**/*.tsx"],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    npm = [str(ROOT / "scripts/npm"), "exec", "--", "tsc", "--project", str(tmp_path)]
    done = subprocess.run(npm, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@every_page
def test_json_is_json(page: Path) -> None:
    for block in blocks(page, "json"):
        for line in block.code.splitlines():
            json.loads(line)


def test_what_is_shown_of_other_sdks_is_what_their_tests_run() -> None:
    """A line with … stands for others."""
    files = [*(ROOT / "tests/sdk").glob("*.py"), *(ROOT / "tests/sdk").glob("*/*.*js*")]
    run = [_lines(path.read_text()) for path in files]
    shown = blocks(DOCS / "how-to/use-elevenlabs-sdks.md")
    assert len(shown) == 5
    for block in shown:
        part = _lines(block.code).partition("// …" if block.language == "js" else "# …")[0]
        assert any(part in text for text in run), block.code


def _lines(text: str) -> str:
    """A text without its indentation."""
    return "\n".join(line.strip() for line in text.splitlines())


def test_messages_of_the_relay_in_pages_are_as_they_are_written_down() -> None:
    found = 0
    for page in PAGES:
        for block in blocks(page, "json"):
            for line in block.code.splitlines():
                message = json.loads(line)
                if "seq" in message:
                    contract.check_server_message({**message, **_unshortened(message)})
                    found += 1
    assert found


def _unshortened(message: dict[str, Any]) -> dict[str, Any]:
    if message["message_type"] != "session_started":
        return {}
    return {"config": {**message["config"], "model_id": "any"}}


def test_every_verb_of_make_that_helps_contributors_is_described() -> None:
    described = {
        words[1]
        for words in commands(ROOT / "CONTRIBUTING.md")
        if words[0] == "make" and len(words) == 2
    }
    makefile = (ROOT / "Makefile").read_text()
    for verb in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE):
        assert verb in described | {"help", "bench"}, verb


# Tables.


def written_protocol() -> str:
    return (DOCS / "reference/protocol.md").read_text()


def test_every_close_code_is_in_the_protocol() -> None:
    cells = [row[0] for row in table(written_protocol(), "## Close codes")]
    codes = [int(code) for cell in cells for code in re.findall(r"\d+", cell)]
    assert sorted(codes) == sorted(CloseCode)


def own_error_types() -> set[str]:
    """The error types that the relay's code names."""
    raised = {"Failure", "LimitExceeded", "UpstreamUnavailable", "UpstreamRejected", "_later"}
    found = set()
    for path in (ROOT / "relay").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id), args=[ast.Constant(str(name)), *_]) if (
                    id in raised
                ):
                    found.add(name)
    return found


def test_every_error_type_is_in_the_protocol() -> None:
    cells = [row[0] for row in table(written_protocol(), "## Errors")]
    types = {name for cell in cells for name in names(cell)}
    assert types == own_error_types() | set(ErrorType)


def test_every_error_of_the_relays_has_its_name_at_scribe_written_down() -> None:
    text = (DOCS / "reference/scribe.md").read_text()
    written = {
        name: row[1].strip("`")
        for row in table(text, "## Errors and close codes")
        for name in names(row[0])
    }
    assert written == {
        name: kind for name, kind in ERROR_TYPES.items() if name not in set(ErrorType)
    }
    (payload,) = [
        contract.document()["components"]["messages"][name]["payload"]
        for name in contract.messages("sendToScribesClient")
        if name == "scribe_error"
    ]
    assert set(payload["properties"]["message_type"]["enum"]) == set(ErrorType)


def test_every_message_is_in_the_protocol() -> None:
    sent = {name for row in table(written_protocol(), "## What you send") for name in names(row[0])}
    kinds = {json.loads(text)["message_type"] for text in sent}
    assert kinds == set(contract.messages("sendToRelay")) - {"audio"}
    cells = [row[0] for row in table(written_protocol(), "## What you receive")]
    received = {name for cell in cells for name in names(cell)}
    assert received == set(contract.messages("sendToClient")) - {"failure"}


def test_every_part_may_import_what_the_architecture_page_says() -> None:
    text = (DOCS / "topics/architecture.md").read_text()
    rows = {
        part: set(names(row[2]))
        for row in table(text, "## Three rings")
        for part in names(row[0])
        if part not in WIRING
    }
    assert rows == ALLOWED


def test_every_folder_of_the_web_may_import_what_its_page_says() -> None:
    rows = table((DOCS / "topics/browser.md").read_text(), "## Layout")
    said = {folder: set(names(row[2])) for row in rows for folder in names(row[0])}
    assert said == {**WEB_ALLOWED, "pages": set()}


def test_every_dependency_has_its_reason() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    listed = [
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
        *(one for group in project["dependency-groups"].values() for one in group),
    ]
    needed = {re.split(r"[\[<>=;]", one)[0] for one in listed if isinstance(one, str)}
    extras = ("### For the simulator's recogniser", "### For traces")
    headings = ("## At run time", *extras, "## For developing")
    assert explained_packages(*headings) == sorted(needed)


def test_the_package_and_the_relay_have_one_version() -> None:
    package = json.loads((ROOT / "web/package.json").read_text())
    assert package["version"] == relay.__version__


def test_every_package_of_the_browsers_side_has_its_reason() -> None:
    package = json.loads((ROOT / "web/package.json").read_text())
    kinds = ("dependencies", "devDependencies", "peerDependencies")
    needed = {name for kind in kinds for name in package.get(kind, {})}
    assert explained_packages("## In the browser") == sorted(needed)


def test_every_sdk_has_its_reason() -> None:
    packages = [json.loads((folder / "package.json").read_text()) for folder in SDK_FOLDERS]
    needed = [name for package in packages for name in package["dependencies"]]
    explained = explained_packages("### Other SDKs, for their tests alone")
    assert explained == sorted([*needed, "livekit-plugins-elevenlabs"])


def explained_packages(*headings: str) -> list[str]:
    text = (DOCS / "topics/dependencies.md").read_text()
    return sorted(
        name for heading in headings for row in table(text, heading) for name in names(row[0])
    )


def test_every_fault_of_the_simulator_is_described() -> None:
    text = (DOCS / "how-to/simulate-faults.md").read_text()
    assert [names(row[0])[0] for row in table(text, "### Kinds")] == list(FaultKind)
    fields = {name for line in text.splitlines() if line.startswith("|") for name in names(line)}
    assert set(Fault.__struct_fields__) - {"kind"} <= fields


# The protocol as written for programs.


def tags(union: Any) -> set[str]:
    return {str(one.__struct_config__.tag) for one in get_args(union)} - {"None"}


def test_asyncapi_lists_the_messages_that_there_are() -> None:
    scribes = {
        "partial_transcript",
        "committed_transcript",
        "committed_transcript_with_timestamps",
    }
    assert set(contract.messages("sendToRelay")) == tags(protocol.ClientMessage) | {"audio"}
    received = tags(protocol.ServerMessage) | scribes | {"failure"}
    assert set(contract.messages("sendToClient")) == received
    failure = contract.document()["components"]["messages"]["failure"]["payload"]
    kinds = failure["properties"]["message_type"]["enum"]
    assert set(kinds) == own_error_types() | set(ErrorType)


@pytest.mark.parametrize("kind", get_args(protocol.ClientMessage), ids=lambda kind: kind.__name__)
def test_asyncapi_describes_what_the_relay_reads(kind: Any) -> None:
    values = {"sample_rate": 44_100}
    message = kind(**{name: values[name] for name in kind.__struct_fields__})
    contract.check_client_message(msgspec.to_builtins(message))


@pytest.mark.parametrize(
    "message",
    [
        protocol.SessionStarted(
            "0a" * 16,
            parse_request([], OptionPolicy()).config(),
            resume_token=issue_token("0a" * 16),
        ),
        protocol.SessionResumed(next_sample=47_000, last_seq=9),
        protocol.Moving(after_ms=1500),
    ],
    ids=lambda message: type(message).__name__,
)
def test_asyncapi_describes_what_the_relay_says_of_resuming(message: Any) -> None:
    contract.check_server_message({**msgspec.to_builtins(message), "seq": 10})


def test_asyncapi_is_sound() -> None:
    document = contract.document()
    assert document["asyncapi"] == "3.0.0"
    for message in document["components"]["messages"].values():
        jsonschema.Draft202012Validator.check_schema(message["payload"])
    for reference in re.findall(r"\$ref: '#/([^']+)'", contract.FILE.read_text()):
        found = document
        for step in reference.split("/"):
            found = found[step]
    query = document["channels"]["stream"]["bindings"]["ws"]["query"]["properties"]
    for name, schema in query.items():
        if "default" not in schema:
            with pytest.raises(InvalidRequest, match=f"{name} goes with a resume token only"):
                parse_request([(name, "1")], OptionPolicy())
            continue
        request = parse_request([(name, str(schema["default"]))], OptionPolicy())
        assert request == parse_request([], OptionPolicy()), urlencode({name: schema["default"]})


# What no text of the project may hold.


@cache
def committed_texts() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a clone")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return {name_of(path): path.read_text(errors="replace") for path in paths if path.is_file()}


MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(?:" + "work|root|home" + r")/\w")
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)", "index-url"])
)


def test_no_text_names_a_machines_folders() -> None:
    for name, text in committed_texts().items():
        assert not MACHINE_PATHS.search(text), (name, MACHINE_PATHS.search(text))


def test_no_text_names_a_package_registry() -> None:
    for name, text in committed_texts().items():
        if name != "tests/test_docs.py":
            assert not REGISTRIES.search(text), (name, REGISTRIES.search(text))


LOCKS = [
    *sorted((ROOT / "requirements").glob("*.lock")),
    *(folder / "package-lock.json" for folder in NPM_FOLDERS),
]


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_no_lock_holds_an_address(lock: Path) -> None:
    found = re.findall(r".*://.*", lock.read_text())
    assert not found, "docs/decisions/0004-locks-without-addresses.md"
