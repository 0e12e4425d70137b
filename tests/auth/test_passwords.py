import asyncio
import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type

from relay.auth.passwords import (
    MAX_AT_ONCE,
    MAX_LENGTH,
    MAX_WAITING,
    MIN_LENGTH,
    Passwords,
    check_password,
)
from relay.errors import LimitExceeded

PASSWORD = "correct horse"


class Hasher(PasswordHasher):
    """A cheap hasher that notes what it is asked, and can be held back."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002  # always True in the library's; its own name
        with self._lock:
            self.verified.append(str(hash))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert self.may_go_on.wait(10)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def hasher() -> Hasher:
    return Hasher()


@pytest.fixture
def passwords(hasher: Hasher) -> Passwords:
    return Passwords(hasher)


async def test_the_recommended_parameters_are_used() -> None:
    passwords = Passwords()
    stored = await passwords.hash(PASSWORD)
    parameters = extract_parameters(stored)
    # RFC 9106, section 4, second recommended option.
    assert (parameters.type, parameters.time_cost, parameters.parallelism) == (Type.ID, 3, 4)
    assert (parameters.memory_cost, parameters.salt_len, parameters.hash_len) == (65536, 16, 32)
    assert await passwords.verify(stored, PASSWORD)
    assert not await passwords.verify(stored, PASSWORD + " ")
    assert not passwords.needs_rehash(stored)


async def test_a_hash_made_with_other_parameters_is_good_and_should_be_renewed(
    passwords: Passwords,
) -> None:
    stored = await passwords.hash(PASSWORD)
    assert await Passwords().verify(stored, PASSWORD)
    assert Passwords().needs_rehash(stored)
    assert not passwords.needs_rehash(stored)


async def test_a_password_has_a_new_hash_each_time(passwords: Passwords) -> None:
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


async def test_a_name_that_nobody_has_costs_one_verification_too(
    passwords: Passwords, hasher: Hasher
) -> None:
    assert not await passwords.verify(None, PASSWORD)
    (dummy,) = hasher.verified
    assert extract_parameters(dummy) == extract_parameters(await passwords.hash(PASSWORD))


def test_the_dummy_is_computed_in_full_and_costs_what_others_cost() -> None:
    passwords = Passwords()
    with pytest.raises(VerifyMismatchError):
        passwords._hasher.verify(passwords._dummy, PASSWORD)
    assert not passwords.needs_rehash(passwords._dummy)


def test_no_two_dummies_are_alike() -> None:
    assert Passwords()._dummy != Passwords()._dummy


async def test_a_name_that_nobody_has_is_refused_even_with_the_password_of_the_dummy(
    passwords: Passwords,
) -> None:
    passwords._dummy = await passwords.hash(PASSWORD)
    assert not await passwords.verify(None, PASSWORD)


@pytest.mark.parametrize(
    "stored", ["", "x", "$argon2id$v=19$m=8", "$argon2id$v=19$m=8,t=1,p=1$?$?", "$2b$12$abcdef"]
)
async def test_a_spoilt_hash_is_nobodys_and_costs_the_same(
    passwords: Passwords, hasher: Hasher, stored: str
) -> None:
    assert not await passwords.verify(stored, PASSWORD)
    assert hasher.verified[-1] == passwords._dummy


@pytest.mark.parametrize("password", ["x" * (MAX_LENGTH + 1), "\ud800" * 10])
async def test_what_nobody_can_have_as_a_password_costs_nothing(
    passwords: Passwords, hasher: Hasher, password: str
) -> None:
    assert not await passwords.verify(None, password)
    assert not await passwords.verify(await passwords.hash(PASSWORD), password)
    assert hasher.verified == []


@pytest.mark.parametrize("password", ["", "short", "\x00" * 8, "пароль из слов"])
async def test_any_other_password_is_verified(
    passwords: Passwords, hasher: Hasher, password: str
) -> None:
    assert not await passwords.verify(await passwords.hash(PASSWORD), password)
    assert len(hasher.verified) == 1


async def test_letters_count_as_typed_on_any_keyboard(passwords: Passwords) -> None:
    composed, decomposed = "й" + "x" * 9, "и\u0306" + "x" * 9
    assert composed != decomposed
    assert await passwords.verify(await passwords.hash(composed), decomposed)
    assert not await passwords.verify(await passwords.hash(composed), composed.upper())


@pytest.mark.parametrize("password", ["x" * MIN_LENGTH, "x" * MAX_LENGTH, "ключ ключ", "😀" * 8])
def test_a_password_may_be_of_any_characters(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "needs 8 characters at least, and this one has 0"),
        ("sEcret7", "needs 8 characters at least, and this one has 7"),
        ("sEcret" * 200, "has 1024 characters at most, and this one has 1200"),
        ("sEcret7\udfff", "half of a character"),
    ],
)
async def test_a_password_that_cannot_be_chosen_is_told_why(
    passwords: Passwords, password: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        check_password(password)
    assert "sEcret" not in str(caught.value)
    with pytest.raises(ValueError, match=said):
        await passwords.hash(password)


async def test_two_are_verified_at_once_and_the_loop_goes_on(
    passwords: Passwords, hasher: Hasher
) -> None:
    stored = await passwords.hash(PASSWORD)
    hasher.may_go_on.clear()
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(passwords.verify(stored, PASSWORD)) for _ in range(8)]
        await asyncio.sleep(0)
        hasher.may_go_on.set()
    assert all(answer.result() for answer in answers)
    assert hasher.most_at_once <= MAX_AT_ONCE


async def test_no_more_wait_than_can_be_served_soon(passwords: Passwords, hasher: Hasher) -> None:
    stored = await passwords.hash(PASSWORD)
    hasher.may_go_on.clear()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(MAX_WAITING):
            tasks.create_task(passwords.verify(stored, PASSWORD))
        await asyncio.sleep(0)
        for password_hash in (stored, None):
            with pytest.raises(LimitExceeded) as caught:
                await passwords.verify(password_hash, PASSWORD)
            assert (caught.value.limit, caught.value.retry_after > 0) == ("rate_limited", True)
        hasher.may_go_on.set()
    assert await passwords.verify(stored, PASSWORD)


async def test_one_who_has_left_gives_up_the_place_in_the_queue(
    passwords: Passwords, hasher: Hasher
) -> None:
    stored = await passwords.hash(PASSWORD)
    hasher.may_go_on.clear()
    async with asyncio.TaskGroup() as tasks:
        waiting = [
            tasks.create_task(passwords.verify(stored, PASSWORD)) for _ in range(MAX_WAITING)
        ]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        last = tasks.create_task(passwords.verify(stored, PASSWORD))
        await asyncio.sleep(0)
        hasher.may_go_on.set()
    assert last.result()
    # Those that a thread had begun went on to their end; the others never began.
    assert len(hasher.verified) <= MAX_AT_ONCE + 1
    assert hasher.most_at_once <= MAX_AT_ONCE
