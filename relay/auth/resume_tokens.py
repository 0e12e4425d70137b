"""Resume tokens: whoever holds one goes on with a session, on any worker. Pure, but for the dice.

A token is a prefix, the session's id and 256 random bits. The id says where to look, and is no
secret; the bits are what counts, so that nothing has to be signed: a forged token is one whose
digest Redis doesn't know, and the answer is the same as for a session that has ended. Only the
digest is kept. A token stays the same for as long as its session lives: a new one with every
connection would be lost where its message is, together with the session.
"""

import re
from dataclasses import dataclass
from typing import Final

from relay.auth.identities import Identity
from relay.auth.origins import canonical_origin
from relay.errors import Unauthorized
from relay.store.secret_texts import TEXT_OF_256_BITS, digest, new_secret

PREFIX: Final = "srs_"
"""What every token begins with, so that logs know what to leave out."""

REFUSED: Final = "The session that this token belongs to has ended."
"""For every reason: which it is, only a guesser would like to know."""

_TOKEN: Final = re.compile(rf"{PREFIX}([0-9a-f]{{32}})_{TEXT_OF_256_BITS}")


@dataclass(frozen=True, slots=True)
class ShownToken:
    """What somebody shows, which may be anything of the right form."""

    session_id: str
    digest: str
    """SHA-256, in hexadecimal digits."""


def issue_token(session_id: str) -> str:
    """Make the token of a session, which fits a WebSocket subprotocol; keep `digest` of it.

    Args:
        session_id: 32 hexadecimal digits.
    """
    return f"{PREFIX}{session_id}_{new_secret()}"


def read_token(text: str) -> ShownToken:
    """Find out what session a token speaks of.

    Raises:
        Unauthorized: If it hasn't the form of one.
    """
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise Unauthorized(REFUSED)
    return ShownToken(match[1], digest(text))


def check_resumer(
    *, account: str, began_at: str | None, shown: Identity | None, origin: str | None
) -> None:
    """Let a token count only where it was given out: it may have got into wrong hands.

    Args:
        account: Whose session it is.
        began_at: The origin of the page that began the session; None for a program.
        shown: Whom a cookie or a key that came along stands for; None where none did, or one that
            isn't good any more. Whether the session's own bearer may still speak is another
            question, and has to be asked too.
        origin: Of the page that shows the token.

    Raises:
        Unauthorized: If somebody else shows it, or another page.
    """
    if shown is not None and shown.account != account:
        raise Unauthorized("This token resumes the session of somebody else.")
    if _canonical(origin) != _canonical(began_at):
        raise Unauthorized("The session that this token resumes was begun on another page.")


def _canonical(origin: str | None) -> str | None:
    # What isn't an origin, such as `null`, is compared as it is: it is no program.
    return origin if origin is None else canonical_origin(origin) or origin
