"""The written protocol and the close codes, for a suite that reads neither YAML nor Python."""

from typing import Any, Final

from relay.protocol.close_codes import CloseCode
from tests.contract.conversation import FOLDER
from tests.support.contract import document, messages

FILE: Final = FOLDER / "protocol.json"


def protocol() -> dict[str, Any]:
    """What is in the file."""
    written = document()["components"]["messages"]
    types = written["failure"]["payload"]["properties"]["message_type"]["enum"]
    server = [name for name in messages("sendToClient") if name != "failure"]
    failures = {name: _example(written["failure"]["payload"], name) for name in types}
    return {
        "client_messages": [name for name in messages("sendToRelay") if name != "audio"],
        "server_messages": {name: _example(written[name]["payload"], name) for name in server},
        "failures": failures,
        "close_codes": {code.name: int(code) for code in CloseCode},
    }


def _example(payload: dict[str, Any], message_type: str) -> Any:
    """A message with every field that is written, optional ones too."""
    return {**_value(payload), "message_type": message_type}


def _value(schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _value(document()["components"]["schemas"][name])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: _value(field) for name, field in schema["properties"].items()}
        case ["array", _] | "array":
            return [_value(schema["items"])]
        case ["string", _] | "string":
            return "0" * 32
        case ["integer" | "number", _] | "integer" | "number":
            return max(7, schema.get("minimum", 0))
        case "boolean":
            return True
    raise ValueError(f"no example of {schema}")
