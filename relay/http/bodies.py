"""The bodies of requests: bounded while they come, and read into what they should be."""

import asyncio
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from relay.errors import InvalidRequest

MAX_BODY_BYTES: Final = 16 * 1024
"""Far more than any request needs, and little enough to take from anybody."""

BODY_TIMEOUT: Final = 10.0
"""Seconds that it may take; nobody may hold a connection for ever with a byte that never comes."""

MAX_FIELDS: Final = 10

MAX_REASON_LENGTH: Final = 200

T = TypeVar("T")


async def read_body(request: Request) -> bytes:
    """Read a body as far as it may be long; what comes after is never kept.

    Raises:
        InvalidRequest: If it is longer than `MAX_BODY_BYTES`, or takes longer than `BODY_TIMEOUT`.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise InvalidRequest(f"The body has more than {MAX_BODY_BYTES} bytes.")
    except TimeoutError:
        raise InvalidRequest(f"The body did not come within {BODY_TIMEOUT:g} s.") from None
    return bytes(body)


async def read_json(request: Request, kind: type[T]) -> T:
    """Read a JSON object.

    Raises:
        InvalidRequest: If the body is too long, or isn't one of this kind.
    """
    return decode_json(await read_body(request), kind)


def decode_json(body: bytes, kind: type[T]) -> T:
    """Read a JSON object.

    Raises:
        InvalidRequest: If it isn't one of this kind.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        reason = "it is nested too deep"
    except UnicodeError:
        reason = "it is not UTF-8"
    except msgspec.MsgspecError as error:
        # It may quote what somebody sent.
        reason = str(error).rstrip(".")[:MAX_REASON_LENGTH]
    raise InvalidRequest(f"The body can't be used: {reason}.")


async def read_form(request: Request) -> dict[str, str]:
    """Read a form as pages send it; of a field that stands there twice, the last one counts.

    Raises:
        InvalidRequest: If the body is too long, or holds too many fields.
    """
    body = await read_body(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise InvalidRequest("The body is not a form that was expected here.") from None
