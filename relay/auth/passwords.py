"""Passwords, kept as argon2id hashes.

A hash takes 64 MiB and about a tenth of a second on purpose, so it is made in a thread, two of them
at once, and only so many wait: who asks too much of it can't take the memory or the event loop.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from relay.errors import LimitExceeded

MIN_LENGTH: Final = 8
"""Characters. Source: NIST SP 800-63B, section 5.1.1.2."""

MAX_LENGTH: Final = 1024
"""Characters; what is longer isn't looked at."""

MAX_AT_ONCE: Final = 2
"""Hashes made at once, of 64 MiB each."""

MAX_WAITING: Final = 32
"""Hashes that may be asked for, those being made included; the last one waits a few seconds."""

RETRY_WHEN_FULL: Final = 2.0
"""Seconds after which one for whom there was no place may ask again."""

_Result = TypeVar("_Result")


def check_password(text: str) -> None:
    """Accept a password that somebody chooses.

    Raises:
        ValueError: If it is too short or long. The text doesn't quote it.
    """
    if len(text) < MIN_LENGTH:
        raise ValueError(
            f"a password needs {MIN_LENGTH} characters at least, and this one has {len(text)}"
        )
    if len(text) > MAX_LENGTH:
        raise ValueError(
            f"a password has {MAX_LENGTH} characters at most, and this one has {len(text)}"
        )
    if _prepare(text) is None:
        raise ValueError("the password holds half of a character (a lone surrogate); type it anew")


class Passwords:
    """Makes hashes of passwords and verifies passwords by them."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use the given hasher, by default one with the parameters that are recommended.

        Source: RFC 9106, section 4, the second recommended option: argon2id, t=3, p=4, 64 MiB, a
        salt of 128 bits and a tag of 256.
        """
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._dummy = _dummy_hash(self._hasher)
        # A thread can't be cancelled, so a semaphore would let in others while it still works.
        self._threads = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="passwords")
        self._asked = 0

    async def hash(self, password: str) -> str:
        """Make a hash to store.

        Raises:
            ValueError: If `check_password` doesn't accept the password.
            LimitExceeded: If too many wait for one.
        """
        check_password(password)
        prepared = _prepare(password)
        assert prepared is not None  # what check_password has made sure of
        return await self._run(partial(self._hasher.hash, prepared))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is the one that was hashed.

        A name without a hash costs as much as one with, so the time tells nobody which names exist.

        Args:
            password_hash: As it was stored; None for a name that nobody has, or has no password.
            password: From anybody.

        Raises:
            LimitExceeded: If too many wait.
        """
        # Nobody can have such a password, whatever the name: this tells nothing of names.
        prepared = _prepare(password) if len(password) <= MAX_LENGTH else None
        if prepared is None:
            return False
        return await self._run(partial(self._verify, password_hash, prepared))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters; ask once the password was verified."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str | None, password: bytes) -> bool:
        if password_hash is not None:
            try:
                return self._hasher.verify(password_hash, password)
            except VerifyMismatchError:
                return False
            except (InvalidHashError, VerificationError):
                pass  # Spoilt in the database: as good as none.
        with suppress(VerifyMismatchError):
            self._hasher.verify(self._dummy, password)
        return False

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._asked >= MAX_WAITING:
            raise LimitExceeded(
                "rate_limited",
                "Too many people are signing in at this moment; try again in a few seconds.",
                RETRY_WHEN_FULL,
            )
        self._asked += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(work))
        finally:
            self._asked -= 1


def _prepare(password: str) -> bytes | None:
    """Write a password in bytes; None if it isn't text.

    Keyboards write some letters as one character or as two, and both are the same password.

    Source: RFC 8265, section 4.2.2, rule 4.
    """
    try:
        return unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None


def _dummy_hash(hasher: PasswordHasher) -> str:
    """Write a hash that no password has, and whose parameters make it cost what others cost."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    kind = f"argon2{hasher.type.name.lower()}"
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"${kind}$v={ARGON2_VERSION}${parameters}${salt}${tag}"
