import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from relay.store import Database, NameTaken, User, Users

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOBODY = "0" * 32


@pytest.fixture
def users(database: Database) -> Users:
    return Users(database)


@pytest.fixture
async def anna(users: Users) -> User:
    return await users.add("Anna", "$argon2id$old")


async def test_a_user_is_found_by_name_and_by_id(users: Users) -> None:
    added = await users.add("Anna", "$argon2id$x", is_operator=True)
    assert await users.find("Anna") == added
    assert await users.find(added.id) == added
    assert await users.get(added.id) == added
    assert (added.name, added.password_hash, added.is_operator) == ("Anna", "$argon2id$x", True)
    assert added.created_at.tzinfo is not None
    assert abs(added.created_at - datetime.now(UTC)) < MINUTE


@pytest.mark.parametrize(
    ("name", "other"), [("Anna", "aNNA"), ("Straße", "STRASSE"), ("café", "CAFE\u0301")]
)
async def test_a_name_belongs_to_one_user_however_it_is_written(
    users: Users, name: str, other: str
) -> None:
    first = await users.add(name, None)
    assert await users.find(other) == first
    with pytest.raises(NameTaken, match=other):
        await users.add(other, None)
    assert await users.list() == [first]


async def test_of_many_who_take_a_name_at_once_one_gets_it(users: Users) -> None:
    results = await asyncio.gather(
        *(users.add("anna", None) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 19


async def test_a_name_that_nobody_can_have_is_refused(users: Users) -> None:
    with pytest.raises(ValueError, match="space"):
        await users.add("anna ", None)


@pytest.mark.parametrize("text", ["", "Bella", "\x00", "\ud800", "x" * 10_000, NOBODY, "' OR 1=1"])
async def test_nobody_is_found_under_any_other_text(users: Users, anna: User, text: str) -> None:
    assert await users.find(text) is None
    assert await users.remove(text) is False
    assert await users.count() == 1


async def test_users_are_listed_by_name(users: Users) -> None:
    for name in ("carol", "Bob", "alice"):
        await users.add(name, None)
    assert [user.name for user in await users.list()] == ["alice", "Bob", "carol"]
    assert await users.count() == 3


async def test_nobody_is_there_at_first(users: Users) -> None:
    assert await users.count() == 0
    assert await users.list() == []
    assert await users.get(NOBODY) is None


async def test_whom_a_proxy_vouches_for_is_added_once(users: Users) -> None:
    found = await asyncio.gather(*(users.ensure("anna@example.org") for _ in range(20)))
    assert len({user.id for user in found}) == 1
    assert found[0].password_hash is None
    assert await users.ensure("ANNA@example.org") == found[0]


async def test_a_hash_is_not_shown(anna: User) -> None:
    assert "argon2id" not in repr(anna)


async def test_a_sign_in_stands_for_its_user(users: Users, anna: User) -> None:
    sign_in = await users.sign_in(anna.id, 3600, NOW)
    assert sign_in is not None
    assert sign_in.expires_at == NOW + 60 * MINUTE
    assert await users.sign_in_of(sign_in.id, NOW + MINUTE) == (sign_in, anna)


async def test_a_sign_in_expires(users: Users, anna: User) -> None:
    sign_in = await users.sign_in(anna.id, 60, NOW)
    assert sign_in is not None
    assert await users.sign_in_of(sign_in.id, NOW + 0.99 * MINUTE) is not None
    assert await users.sign_in_of(sign_in.id, NOW + MINUTE) is None


async def test_a_sign_in_remembers_roughly_when_it_was_seen(users: Users, anna: User) -> None:
    sign_in = await users.sign_in(anna.id, 3600, NOW)
    assert sign_in is not None
    for minutes, seen in ((4, 0), (5, 0), (6, 5), (12, 5), (13, 12)):
        found = await users.sign_in_of(sign_in.id, NOW + minutes * MINUTE)
        assert found is not None
        assert found[0].seen_at == NOW + seen * MINUTE


async def test_signing_out_ends_one_sign_in(users: Users, anna: User) -> None:
    first = await users.sign_in(anna.id, 3600, NOW)
    second = await users.sign_in(anna.id, 3600, NOW)
    assert first is not None
    assert second is not None
    assert await users.sign_out(first.id) is True
    assert await users.sign_out(first.id) is False
    assert await users.sign_in_of(first.id, NOW) is None
    assert await users.sign_in_of(second.id, NOW) is not None


async def test_who_was_removed_cannot_be_signed_in(users: Users, anna: User) -> None:
    sign_in = await users.sign_in(anna.id, 3600, NOW)
    token = await users.create_link(anna.id, NOW)
    assert sign_in is not None
    assert token is not None
    assert await users.remove("ANNA") is True
    assert await users.sign_in_of(sign_in.id, NOW) is None
    assert await users.consume_link(token, NOW) is None
    assert await users.sign_in(anna.id, 3600, NOW) is None
    assert await users.create_link(anna.id, NOW) is None


async def test_a_user_is_removed_by_id_too(users: Users, anna: User) -> None:
    assert await users.remove(anna.id) is True
    assert await users.count() == 0


async def test_a_new_password_ends_what_the_old_one_opened(users: Users, anna: User) -> None:
    bella = await users.add("Bella", None)
    hers = await users.sign_in(anna.id, 3600, NOW)
    link = await users.create_link(anna.id, NOW)
    others = await users.sign_in(bella.id, 3600, NOW)
    assert hers is not None
    assert link is not None
    assert others is not None
    assert await users.set_password_hash(anna.id, "$argon2id$new") is True
    changed = await users.get(anna.id)
    assert changed is not None
    assert changed.password_hash == "$argon2id$new"
    assert await users.sign_in_of(hers.id, NOW) is None
    assert await users.consume_link(link, NOW) is None
    assert await users.sign_in_of(others.id, NOW) is not None


async def test_a_password_hashed_anew_ends_nothing(users: Users, anna: User) -> None:
    sign_in = await users.sign_in(anna.id, 3600, NOW)
    assert sign_in is not None
    old = anna.password_hash
    assert await users.set_password_hash(anna.id, "$argon2id$x", instead_of=old) is True
    assert await users.set_password_hash(anna.id, "$argon2id$y", instead_of=old) is False
    assert await users.sign_in_of(sign_in.id, NOW) is not None


async def test_a_password_that_was_changed_meanwhile_signs_nobody_in(
    users: Users, anna: User
) -> None:
    await users.set_password_hash(anna.id, "$argon2id$new")
    assert await users.sign_in(anna.id, 3600, NOW, known=anna) is None
    now = await users.get(anna.id)
    assert await users.sign_in(anna.id, 3600, NOW, known=now) is not None


async def test_whom_others_call_by_an_id_of_ours_is_not_that_user(users: Users, anna: User) -> None:
    with pytest.raises(ValueError, match="what ids look like"):
        await users.ensure(anna.id)
    assert (await users.ensure("ANNA")).id == anna.id


async def test_nobody_has_a_password(users: Users) -> None:
    assert await users.set_password_hash(NOBODY, "$argon2id$x") is False


async def test_a_link_signs_in_once(users: Users, anna: User) -> None:
    token = await users.create_link(anna.id, NOW)
    assert token is not None
    assert await users.consume_link(token, NOW + MINUTE) == anna
    assert await users.consume_link(token, NOW + MINUTE) is None


async def test_a_link_expires_after_ten_minutes(users: Users, anna: User) -> None:
    token = await users.create_link(anna.id, NOW)
    assert token is not None
    assert await users.consume_link(token, NOW + 10 * MINUTE) is None


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "x" * 10_000])
async def test_no_other_text_is_a_link(users: Users, anna: User, text: str) -> None:
    await users.create_link(anna.id, NOW)
    assert await users.consume_link(text, NOW) is None


async def test_of_fifty_who_spend_a_link_at_once_one_gets_the_user(
    users: Users, anna: User
) -> None:
    token = await users.create_link(anna.id, NOW)
    assert token is not None
    results = await asyncio.gather(*(users.consume_link(token, NOW) for _ in range(50)))
    assert [user for user in results if user is not None] == [anna]
