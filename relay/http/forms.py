"""What the fields of a form hold, and where it leads next."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from relay.errors import InvalidRequest

MAX_FIELD_LENGTH: Final = 2048
"""Characters."""


def is_form(request: Request) -> bool:
    """Whether a page without scripts asks, so that the answer is another page."""
    content_type = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def required(given: Mapping[str, object], *names: str) -> tuple[str, ...]:
    """The values of fields that have to be there, in this order.

    Raises:
        InvalidRequest: If one isn't there, or isn't text of a bounded length.
    """
    values = []
    for name in names:
        value = given.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_FIELD_LENGTH:
            raise InvalidRequest(f"{name} is missing or too long.")
        values.append(value)
    return tuple(values)


def local_path(text: object, default: str = "/") -> str:
    """Where to go next, if it is on this relay.

    Browsers take a backslash for a slash and leave out tabs and line ends, so that more than what
    begins with two slashes can name another host.
    """
    if not isinstance(text, str) or len(text) > MAX_FIELD_LENGTH:
        return default
    is_odd = "\\" in text or any(character <= " " or character == "\x7f" for character in text)
    if is_odd or not text.startswith("/") or text.startswith("//"):
        return default
    return text
