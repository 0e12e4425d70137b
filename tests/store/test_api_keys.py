import asyncio
import re
from collections.abc import Callable

import pytest

from relay.store import ApiKey, ApiKeys, Database, NameTaken


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


async def test_a_key_is_known_by_its_text(keys: ApiKeys) -> None:
    key, text = await keys.create("billing", {"sessions": 1000, "minutes_per_day": 0.5})
    assert re.fullmatch(f"srk_{key.id}_[A-Za-z0-9_-]{{43}}", text)
    assert await keys.verify(text) == key
    assert key.limits == {"sessions": 1000, "minutes_per_day": 0.5}
    assert key.created_at.tzinfo is not None


async def test_a_key_has_no_limits_of_its_own_by_default(keys: ApiKeys) -> None:
    _, text = await keys.create("billing")
    found = await keys.verify(text)
    assert found is not None
    assert found.limits == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "\x00",
        lambda text: "\ud800",
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text + "\n",
        lambda text: text.removeprefix("srk_"),
        lambda text: text[:-43] + "x" * 43,
        lambda text: "srk_" + "0" * 32 + text[-44:],
        lambda text: text.upper(),
    ],
)
async def test_no_other_text_is_the_key(keys: ApiKeys, change: Callable[[str], str]) -> None:
    _, text = await keys.create("billing")
    assert await keys.verify(change(text)) is None


async def test_a_revoked_key_is_none(keys: ApiKeys) -> None:
    key, text = await keys.create("billing")
    _, other = await keys.create("mobile")
    assert await keys.revoke("BILLING") is True
    assert await keys.verify(text) is None
    assert await keys.verify(other) is not None
    assert await keys.revoke("billing") is False
    assert await keys.revoke(key.id) is False


async def test_a_key_is_revoked_by_id_too(keys: ApiKeys) -> None:
    key, text = await keys.create("billing")
    assert await keys.revoke(key.id) is True
    assert await keys.verify(text) is None


@pytest.mark.parametrize("text", ["", "mobile", "\x00", "\ud800", "0" * 32])
async def test_no_other_text_revokes_it(keys: ApiKeys, text: str) -> None:
    await keys.create("billing")
    assert await keys.revoke(text) is False


async def test_a_name_is_free_again_after_its_revocation(keys: ApiKeys) -> None:
    old, _ = await keys.create("billing")
    with pytest.raises(NameTaken):
        await keys.create("Billing")
    await keys.revoke("billing")
    new, text = await keys.create("Billing")
    assert await keys.verify(text) == new
    assert await keys.list() == [new]
    everything = await keys.list(with_revoked=True)
    assert [(key.id, key.revoked_at is None) for key in everything] == [
        (old.id, False),
        (new.id, True),
    ]


async def test_of_many_who_take_a_name_at_once_one_gets_it(keys: ApiKeys) -> None:
    results = await asyncio.gather(
        *(keys.create("billing") for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, tuple) for result in results) == 1
    assert sum(isinstance(result, NameTaken) for result in results) == 19


async def test_keys_are_listed_by_name(keys: ApiKeys) -> None:
    made: dict[str, ApiKey] = {}
    for name in ("mobile", "Billing"):
        made[name], _ = await keys.create(name)
    assert await keys.list() == [made["Billing"], made["mobile"]]


async def test_a_name_that_no_key_can_have_is_refused(keys: ApiKeys) -> None:
    with pytest.raises(ValueError, match="64"):
        await keys.create("x" * 65)
