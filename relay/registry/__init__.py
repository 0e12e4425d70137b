"""Which sessions are live, on all workers and hosts, and a way to tell their workers something.

sessions    `Registry`: a record for each live session, which ends by itself after a crash
ownership   `Ownership`: what another worker needs to go on with a session, and the fence around it
journal     `Journal`: writes down what is committed, for all sessions of a worker together
tenure      `Tenure`: one worker's time as the owner of one session
unstored    `Unstored`: what waits for the database
control     `ControlChannel`: what one worker tells all others
"""

from relay.registry.control import ControlChannel, EndSession, SessionTaken
from relay.registry.journal import Journal
from relay.registry.ownership import Ownership
from relay.registry.sessions import Registry, SessionRecord
from relay.registry.tenure import Tenure
from relay.registry.unstored import Entry, Unstored

__all__ = [
    "ControlChannel",
    "EndSession",
    "Entry",
    "Journal",
    "Ownership",
    "Registry",
    "SessionRecord",
    "SessionTaken",
    "Tenure",
    "Unstored",
]
