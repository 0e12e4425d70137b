"""What Vite says of its build, and what a page loads for it."""

import json

import pytest
from msgspec import ValidationError

from relay.http.manifest import Entry, read_entries


def entries(**chunks: dict[str, object]) -> dict[str, Entry]:
    return read_entries(json.dumps(chunks).encode())


def test_a_page_loads_its_own_script_alone_where_it_imports_nothing() -> None:
    found = entries(
        recorder={"file": "recorder-1.js", "name": "recorder", "isEntry": True, "src": "x.tsx"},
        style={"file": "style-1.css", "src": "style.css"},
    )
    assert found == {"recorder": Entry("recorder-1.js")}


def test_what_is_imported_is_loaded_too_and_what_that_imports_comes_first() -> None:
    found = entries(
        recorder={
            "file": "recorder-1.js",
            "name": "recorder",
            "isEntry": True,
            "imports": ["client", "react"],
            "css": ["recorder-1.css"],
        },
        client={"file": "client-1.js", "imports": ["react"], "css": ["client-1.css"]},
        react={"file": "react-1.js", "css": ["base-1.css"]},
    )
    assert found["recorder"] == Entry(
        "recorder-1.js",
        ("react-1.js", "client-1.js"),
        ("base-1.css", "client-1.css", "recorder-1.css"),
    )


def test_chunks_that_import_each_other_are_loaded_once() -> None:
    found = entries(
        kiosk={"file": "kiosk-1.js", "name": "kiosk", "isEntry": True, "imports": ["a"]},
        a={"file": "a-1.js", "imports": ["b"], "css": ["shared-1.css"]},
        b={"file": "b-1.js", "imports": ["a"], "css": ["shared-1.css"]},
    )
    assert found["kiosk"] == Entry("kiosk-1.js", ("b-1.js", "a-1.js"), ("shared-1.css",))


def test_what_is_imported_only_when_it_is_needed_is_not_loaded_before() -> None:
    found = entries(
        kiosk={"file": "kiosk-1.js", "name": "kiosk", "isEntry": True, "dynamicImports": ["a"]},
        a={"file": "a-1.js", "isDynamicEntry": True},
    )
    assert found == {"kiosk": Entry("kiosk-1.js")}


def test_what_is_no_manifest_is_refused() -> None:
    with pytest.raises(ValidationError):
        read_entries(b"[]")
