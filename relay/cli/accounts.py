"""Whom a command means by a name."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NoReturn, Protocol, TypeVar

from relay.cli.exits import CommandFailed
from relay.folding import fold_name
from relay.store import Database, Kiosks, Users
from relay.store.api_keys import ApiKeys


class _Bearer(Protocol):
    """A kiosk or a key."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def revoked_at(self) -> datetime | None: ...


_B = TypeVar("_B", bound=_Bearer)


async def account_called(database: Database, kind: str, name: str) -> str:
    """Find the account of somebody by name or id.

    Args:
        database: That knows them.
        kind: `user`, `kiosk` or `key`.
        name: Their name, or their id.

    Raises:
        CommandFailed: If there is nobody, or if several were called that and none is now.
    """
    found: Sequence[_Bearer]
    match kind:
        case "user":
            user = await Users(database).find(name)
            return f"user:{user.id}" if user is not None else _gone(kind, name)
        case "kiosk":
            found = await Kiosks(database).list(with_revoked=True)
        case _:
            found = await ApiKeys(database).list(with_revoked=True)
    meant = _meant(found, name)
    if not meant and kind == "kiosk":
        return f"kiosk:{name}"  # known by place alone
    if not meant:
        return _gone(kind, name)
    if len(meant) > 1:
        accounts = ", ".join(f"{kind}:{each.id}" for each in meant)
        raise CommandFailed(
            f"Several {kind}s that were revoked were called '{name}'; give --account with one of: "
            f"{accounts}."
        )
    return f"{kind}:{meant[0].id}"


def _meant(bearers: Iterable[_B], name: str) -> list[_B]:
    """Those whom a name or an id means: of a name that was given again, who has it now."""
    bearers = list(bearers)
    if of_id := [each for each in bearers if each.id == name]:
        return of_id
    called = [each for each in bearers if fold_name(each.name) == fold_name(name)]
    return [each for each in called if each.revoked_at is None] or called


def _gone(kind: str, name: str) -> NoReturn:
    raise CommandFailed(
        f"There is no {kind} '{name}'. Of one who is gone, give --account {kind}:ID."
    )
