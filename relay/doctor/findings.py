"""What a check found, and what all checks need to say it."""

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

TIMEOUT = 10.0
"""Seconds that any one step may take."""

HTTP_TIMEOUT = aiohttp.ClientTimeout(total=TIMEOUT)


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    status: Status
    text: str
    advice: str = ""
    """What to do; empty where nothing needs doing."""


def reason(error: BaseException) -> str:
    """Say in a few words why something could not be done."""
    match error:
        case TimeoutError():
            return f"no answer within {TIMEOUT:g} s"
        case ConnectionClosed():
            return f"the connection was closed with code {error.rcvd.code if error.rcvd else 1006}"
        case OSError():
            return error.strerror or str(error) or type(error).__name__
        case _:
            return str(error).rstrip(".") or type(error).__name__


async def first_message(stream: ClientConnection) -> dict[str, Any]:
    """Wait for a message; an empty one if it can't be read."""
    async with asyncio.timeout(TIMEOUT):
        return read_message(await stream.recv())


def read_message(text: str | bytes) -> dict[str, Any]:
    """Read a message; an empty one if it is none."""
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
