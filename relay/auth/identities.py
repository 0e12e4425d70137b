"""Who speaks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What sort of somebody an identity is; it decides where the id is looked up."""

    USER = "user"
    """A person with an account."""
    KIOSK = "kiosk"
    """A device that people share."""
    KEY = "key"
    """A server, perhaps on behalf of one of its own users."""


class Role(StrEnum):
    """What an identity may do; limits have defaults for each."""

    USER = "user"
    OPERATOR = "operator"
    """A user who may also look at and end the sessions of others, and admit kiosks and users."""
    KIOSK = "kiosk"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose credential was good."""

    kind: Kind
    id: str
    """Unique within its kind, and without a colon; a place's is its name."""
    name: str
    """For people to read."""
    role: Role
    subject: str | None = None
    """The user of a server's own for whom a key speaks."""
    options: tuple[tuple[str, str], ...] = ()
    """Pinned options of its sessions, as query pairs."""
    limits: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What differs from its role's limits."""
    sign_in: str | None = None
    """The sign-in that a cookie stands for; once that has ended, so have its sessions."""
    is_place: bool = False
    """Whether where it is was all it showed: there is nothing to look up or to revoke."""

    @property
    def account(self) -> str:
        """Whom limits, usage and history follow, such as `user:<id>` or `key:<id>:<subject>`."""
        if self.kind is Kind.KEY and self.subject is not None:
            return f"{self.kind}:{self.id}:{self.subject}"
        return f"{self.kind}:{self.id}"
