"""The written protocol, as a check: docs/reference/asyncapi.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

FILE = Path(__file__).parents[2] / "docs" / "reference" / "asyncapi.yaml"


@cache
def document() -> dict[str, Any]:
    """The parsed file."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def messages(operation: str) -> list[str]:
    """Names of the messages of an operation."""
    listed = document()["operations"][operation]["messages"]
    return [entry["$ref"].rpartition("/")[2] for entry in listed]


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    payload = document()["components"]["messages"][name]["payload"]
    schema = {**payload, "components": document()["components"]}
    return jsonschema.Draft202012Validator(schema)


def schema_name(message: dict[str, Any]) -> str | None:
    """Which written message this is; None for Scribe's own that are passed on."""
    kind = message["message_type"]
    if kind in document()["components"]["messages"]:
        return str(kind)
    types = document()["components"]["messages"]["failure"]["payload"]["properties"]
    return "failure" if kind in types["message_type"]["enum"] else None


def check_server_message(message: dict[str, Any]) -> None:
    """Hold a message of the relay against what is written.

    Raises:
        jsonschema.ValidationError: If it isn't what is written.
    """
    assert isinstance(message["seq"], int)
    name = schema_name(message)
    if name is not None:
        _validator(name).validate(message)


def check_scribe_message(message: dict[str, Any]) -> None:
    """Hold a message to a client of Scribe's against what is written.

    Raises:
        jsonschema.ValidationError: If it isn't what is written.
    """
    kinds = {"session_started": "scribe_started", "warning": "scribe_warning"}
    name = "scribe_error" if "error" in message else kinds.get(message["message_type"])
    _validator(name or "scribe_event").validate(message)


def check_client_message(message: dict[str, Any]) -> None:
    """Hold a message of a client against what is written.

    Raises:
        jsonschema.ValidationError: If it isn't what is written.
    """
    name = message["message_type"]
    assert name in messages("sendToRelay")
    _validator(name).validate(message)
