import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from relay.store import (
    Approved,
    Database,
    Enrolment,
    Kiosk,
    Kiosks,
    NameTaken,
    Pending,
    TooManyEnrolments,
)
from relay.store.kiosks import CODE_LETTERS

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPTIONS = (("language_code", "en"), ("keyterms", "Kyiv"), ("keyterms", "Lviv"))


@pytest.fixture
def kiosks(database: Database) -> Kiosks:
    return Kiosks(database)


async def enrol(kiosks: Kiosks, name: str = "lobby") -> tuple[Kiosk, str]:
    """A kiosk whose device has its secret."""
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    kiosk = await kiosks.approve(enrolment.code, name, OPTIONS, "anna", NOW)
    assert kiosk is not None
    answer = await kiosks.poll(enrolment.device_secret, NOW)
    assert isinstance(answer, Approved)
    assert answer.kiosk_id == kiosk.id
    return kiosk, answer.secret


async def fill(kiosks: Kiosks, count: int, now: datetime = NOW) -> list[Enrolment]:
    """Enrolments from an address each."""
    return [await kiosks.begin(f"10.0.1.{number}", now) for number in range(count)]


async def test_a_device_waits_until_an_operator_approves_its_code(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    waiting = Pending(enrolment.code, NOW + 10 * MINUTE)
    assert await kiosks.poll(enrolment.device_secret, NOW) == waiting
    assert await kiosks.poll(enrolment.device_secret, NOW + MINUTE) == waiting
    kiosk = await kiosks.approve(enrolment.code, "lobby", OPTIONS, "anna", NOW + MINUTE)
    assert kiosk is not None
    answer = await kiosks.poll(enrolment.device_secret, NOW + MINUTE)
    assert isinstance(answer, Approved)
    assert re.fullmatch(rf"{kiosk.id}\.[A-Za-z0-9_-]{{43}}", answer.secret)
    found = await kiosks.verify(answer.secret)
    assert found is not None
    assert (found.id, found.name, found.options, found.approved_by, found.is_collected) == (
        kiosk.id,
        "lobby",
        OPTIONS,
        "anna",
        True,
    )


async def test_codes_can_be_read_out_and_typed(kiosks: Kiosks) -> None:
    for enrolment in await fill(kiosks, 10):
        assert re.fullmatch(f"[{CODE_LETTERS}]{{4}}-[{CODE_LETTERS}]{{4}}", enrolment.code)
    assert not set(CODE_LETTERS) & set("AEIOUY0123456789")


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f" {code.replace('-', '–')}\n",
    ],
)
async def test_a_code_is_taken_as_people_type_it(
    kiosks: Kiosks, typed: Callable[[str], str]
) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    assert await kiosks.approve(typed(enrolment.code), "lobby", (), "anna", NOW) is not None


@pytest.mark.parametrize("code", ["", "BCDF-GHJK", "\x00", "\ud800", "0" * 1000])
async def test_any_other_code_approves_nothing(kiosks: Kiosks, code: str) -> None:
    await kiosks.begin("10.0.0.1", NOW)
    assert await kiosks.approve(code, "lobby", (), "anna", NOW) is None
    assert await kiosks.list() == []


async def test_the_secret_is_handed_out_once(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    answers = await asyncio.gather(
        *(kiosks.poll(enrolment.device_secret, NOW) for _ in range(20)),
    )
    (answer,) = [answer for answer in answers if answer is not None]
    assert isinstance(answer, Approved)
    assert await kiosks.verify(answer.secret) is not None
    assert await kiosks.poll(enrolment.device_secret, NOW) is None


async def test_a_device_that_nobody_approves_expires(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    late = NOW + 10 * MINUTE
    assert await kiosks.poll(enrolment.device_secret, late) is None
    assert await kiosks.pending(late) == []
    assert await kiosks.approve(enrolment.code, "lobby", (), "anna", late) is None


async def test_an_approval_at_the_last_moment_leaves_time_to_hear_of_it(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    approved = NOW + 9.99 * MINUTE
    await kiosks.approve(enrolment.code, "lobby", (), "anna", approved)
    answer = await kiosks.poll(enrolment.device_secret, approved + 5 * MINUTE)
    assert isinstance(answer, Approved)


async def test_a_device_that_never_returns_leaves_no_kiosk_behind(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    assert [kiosk.is_collected for kiosk in await kiosks.list()] == [False]
    late = NOW + 10 * MINUTE
    again = await kiosks.begin("10.0.0.1", late)
    assert await kiosks.list() == []
    assert await kiosks.approve(again.code, "lobby", (), "anna", late) is not None


async def test_a_code_is_approved_once(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    results = await asyncio.gather(
        *(kiosks.approve(enrolment.code, f"lobby {n}", (), "anna", NOW) for n in range(10))
    )
    (approved,) = [kiosk for kiosk in results if kiosk is not None]
    assert await kiosks.list() == [approved]


async def test_a_name_belongs_to_one_kiosk_until_its_revocation(kiosks: Kiosks) -> None:
    old, _ = await enrol(kiosks)
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    with pytest.raises(NameTaken, match="LOBBY"):
        await kiosks.approve(enrolment.code, "LOBBY", (), "anna", NOW)
    assert [waiting.code for waiting in await kiosks.pending(NOW)] == [enrolment.code]
    assert await kiosks.revoke("lobby") is True
    new = await kiosks.approve(enrolment.code, "LOBBY", (), "anna", NOW)
    assert new is not None
    assert await kiosks.list() == [new]
    assert {kiosk.id for kiosk in await kiosks.list(with_revoked=True)} == {old.id, new.id}


async def test_a_name_that_no_kiosk_can_have_is_refused(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    with pytest.raises(ValueError, match="space"):
        await kiosks.approve(enrolment.code, " ", (), "anna", NOW)


async def test_operators_see_who_waits(kiosks: Kiosks) -> None:
    first = await kiosks.begin("10.0.0.1", NOW)
    second = await kiosks.begin("2001:db8::/64", NOW + MINUTE)
    assert [(waiting.code, waiting.address) for waiting in await kiosks.pending(NOW + MINUTE)] == [
        (second.code, "2001:db8::/64"),
        (first.code, "10.0.0.1"),
    ]
    await kiosks.approve(first.code, "lobby", (), "anna", NOW)
    assert [waiting.code for waiting in await kiosks.pending(NOW)] == [second.code]


async def test_an_address_has_three_devices_waiting(kiosks: Kiosks) -> None:
    first, *_ = [await kiosks.begin("10.0.0.1", NOW + n * MINUTE) for n in range(3)]
    now = NOW + 4 * MINUTE
    with pytest.raises(TooManyEnrolments) as error:
        await kiosks.begin("10.0.0.1", now)
    assert error.value.retry_after == 360
    await kiosks.begin("10.0.0.2", now)
    await kiosks.approve(first.code, "lobby", (), "anna", now)
    await kiosks.begin("10.0.0.1", now)


async def test_twenty_devices_wait_in_all(kiosks: Kiosks) -> None:
    await fill(kiosks, 20)
    with pytest.raises(TooManyEnrolments, match="Too many devices"):
        await kiosks.begin("10.0.0.1", NOW + MINUTE)
    await kiosks.begin("10.0.0.1", NOW + 10 * MINUTE)


@pytest.mark.parametrize(("addresses", "most"), [(1, 3), (30, 20)])
async def test_the_bounds_hold_when_all_come_at_once(
    kiosks: Kiosks, addresses: int, most: int
) -> None:
    results = await asyncio.gather(
        *(kiosks.begin(f"10.0.0.{n % addresses}", NOW) for n in range(40)), return_exceptions=True
    )
    assert sum(isinstance(result, Enrolment) for result in results) == most
    assert sum(isinstance(result, TooManyEnrolments) for result in results) == 40 - most
    assert len(await kiosks.pending(NOW)) == most


async def test_a_revoked_kiosk_is_none(kiosks: Kiosks) -> None:
    kiosk, secret = await enrol(kiosks)
    _, other = await enrol(kiosks, "hall")
    assert await kiosks.revoke(kiosk.id) is True
    assert await kiosks.verify(secret) is None
    assert await kiosks.verify(other) is not None
    assert await kiosks.revoke("lobby") is False
    assert await kiosks.revoke("\x00") is False


async def test_who_is_revoked_before_its_device_returns_gets_no_secret(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    await kiosks.revoke("lobby")
    assert await kiosks.poll(enrolment.device_secret, NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "\x00",
        lambda text: "\ud800",
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text[:-43] + "x" * 43,
        lambda text: "0" * 32 + text[-44:],
        lambda text: text.upper(),
    ],
)
async def test_no_other_text_is_the_kiosk(kiosks: Kiosks, change: Callable[[str], str]) -> None:
    _, secret = await enrol(kiosks)
    assert await kiosks.verify(change(secret)) is None
    assert await kiosks.poll(change(secret), NOW) is None


async def test_a_kiosk_without_a_secret_cannot_be_guessed(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    kiosk = await kiosks.approve(enrolment.code, "lobby", (), "anna", NOW)
    assert kiosk is not None
    assert await kiosks.verify(f"{kiosk.id}.{'x' * 43}") is None


async def test_secrets_are_not_shown(kiosks: Kiosks) -> None:
    enrolment = await kiosks.begin("10.0.0.1", NOW)
    assert enrolment.device_secret not in repr(enrolment)
    assert "hush" not in repr(Approved("1", "hush"))
