"""Sessions whose client is gone for the moment: since when, and for how long they are kept. Pure.

A *parked* session has lost its connection and waits for its client. It holds its lease and its
place at the provider all the while, so that whoever opens another session at the limit can have
the place of the one that has been parked for longest.
"""

from dataclasses import dataclass
from typing import Final

PARK_SECONDS: Final = 30.0
"""For which a client may be gone: a lift, a tunnel, a change from one network to another."""


@dataclass(frozen=True, slots=True)
class _Parked:
    account: str
    due: float


class Parking:
    """The parked sessions of one worker; times are seconds that never run backwards."""

    def __init__(self, seconds: float = PARK_SECONDS) -> None:
        """Keep each session for `seconds`."""
        self._seconds = seconds
        self._parked: dict[str, _Parked] = {}  # in the order in which they are due

    def __len__(self) -> int:
        return len(self._parked)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._parked

    @property
    def next_due(self) -> float | None:
        """When the next one is due; None if none is parked."""
        return next((parked.due for parked in self._parked.values()), None)

    def park(self, session_id: str, account: str, now: float) -> None:
        """Keep a session from now on; one that is parked already stays until it was due."""
        self._parked.setdefault(session_id, _Parked(account, now + self._seconds))

    def take(self, session_id: str) -> bool:
        """Give a session back to its client, or to whoever ends it.

        Returns:
            Whether it was parked: of two who want it, one gets it.
        """
        return self._parked.pop(session_id, None) is not None

    def take_due(self, now: float) -> list[str]:
        """Take those whose time is over, the longest parked first; end them."""
        due = [session_id for session_id, parked in self._parked.items() if parked.due <= now]
        for session_id in due:
            del self._parked[session_id]
        return due

    def take_oldest(self, account: str) -> str | None:
        """Take an account's longest parked session, so that a new one has room; end it.

        Returns:
            None if the account has none here.
        """
        for session_id, parked in self._parked.items():
            if parked.account == account:
                del self._parked[session_id]
                return session_id
        return None
