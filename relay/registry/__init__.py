"""Which sessions are live, on all workers and hosts, and a way to tell their workers something.

sessions    `Registry`: a record for each live session, which ends by itself after a crash
ownership   `Ownership`: what another worker needs to go on with a session, and the fence around it
journal     `Journal`: writes down what is committed, for all sessions of a worker together
tenure      `Tenure`: one worker's time as the owner of one session
unstored    `Unstored`: what waits for the database
control     `ControlChannel`: what one worker tells all others
workers     `Workers`: a record for each worker, and what operators ask of it
timelines   `Timelines`: what happened in each live session, short of what was said
figures     `FigureHistory`: what all workers counted in the last half hour
"""

from relay.registry.control import ControlChannel, EndSession, SessionTaken, WishFor
from relay.registry.figures import FigureHistory
from relay.registry.journal import Journal
from relay.registry.ownership import Ownership
from relay.registry.sessions import Registry, SessionRecord
from relay.registry.tenure import Tenure
from relay.registry.timelines import Timelines
from relay.registry.unstored import Entry, Unstored
from relay.registry.workers import Duty, Wish, WorkerRecord, Workers

__all__ = [
    "ControlChannel",
    "Duty",
    "EndSession",
    "Entry",
    "FigureHistory",
    "Journal",
    "Ownership",
    "Registry",
    "SessionRecord",
    "SessionTaken",
    "Tenure",
    "Timelines",
    "Unstored",
    "Wish",
    "WishFor",
    "WorkerRecord",
    "Workers",
]
