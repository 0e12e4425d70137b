"""JSON sent to a server of the operator's, and its answer: bounded in time and size."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer that is read; a moderation's has 2 kB."""


@dataclass(eq=False)
class PostFailed(Exception):
    """Raised when a server didn't take what it was sent. Holds nothing of what that was."""

    reason: str
    """For logs: the status, or the class of what went wrong."""
    status: int | None = None
    """None where there is no answer."""
    retry_after: float | None = None
    """Seconds that the server asks to wait."""

    def __str__(self) -> str:
        return self.reason


class Poster:
    """Posts to one URL; `aclose` when it is needed no more."""

    def __init__(
        self, url: str, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> None:
        """Prepare; nothing is connected to before the first `post`.

        Args:
            url: The operator's.
            timeout: Seconds for everything, from the name's address to the answer's last byte.
            headers: Sent each time; a key among them stays within this object.
        """
        self._url = url
        self._timeout = timeout
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    @property
    def timeout(self) -> float:
        return self._timeout

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """Send it.

        Returns:
            What was answered, if that was a success.

        Raises:
            PostFailed: If it wasn't, came too late, or is too long. A redirect is a failure:
                followed, it would carry what was said, and the key, to wherever it points.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                headers={"user-agent": "scribe-relay", "content-type": "application/json"},
                # Nobody's cookies, and no proxy or .netrc of the environment's.
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers={**self._headers, **(headers or {})},
                allow_redirects=False,
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise PostFailed(
                        f"HTTP {answer.status}", answer.status, _retry_after(answer.headers)
                    )
                return await _read(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            # Their texts name hosts; the class says enough.
            raise PostFailed(type(error).__name__) from error

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while piece := await answer.content.read(MAX_ANSWER_BYTES + 1 - len(body)):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise PostFailed("an answer that is too long")
    return bytes(body)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    # A date is allowed too, and nobody sends one.
    return float(text) if len(text) <= 6 and text.isascii() and text.isdigit() else None
