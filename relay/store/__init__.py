"""Who may use the relay, what they used and said: what outlives a restart, in a database.

The database is SQLite or PostgreSQL.

    names        which names people may have, and when two are the same; pure
    secret_texts secrets that are handed out once and kept as a digest; pure
    tables       the tables, as SQLAlchemy describes them
    migrations   how a database gets them (Alembic)
    database     connections and transactions, and what it means when there are none
    users  api_keys  kiosks  usage     one subject each
    fulltext     words of any script, and what a search means; pure
    segments     what is said, written down safely again and again
    transcripts  what was said, listed, read and searched
    due          work that waits in a table, taken by one worker after the other
    analyses     what waits to be judged, and what was found
    flags        what was found, asked for beside the rest
    deliveries   whom that is to be told
    erasure  expiry      what is deleted for good, and when
    lineage      which database this is, for the files beside it
    revocations  which of the live sessions must end

Only digests of secrets are stored, and times are UTC. Whatever asks the database may raise
`StoreUnavailable`.
"""

from relay.store.api_keys import ApiKey, ApiKeys
from relay.store.database import Database
from relay.store.kiosks import (
    Approved,
    Enrolment,
    Kiosk,
    Kiosks,
    Pending,
    TooManyEnrolments,
    Waiting,
)
from relay.store.names import NameTaken, check_name
from relay.store.revocations import Valid, still_valid
from relay.store.usage import DayUsage, Usage, UsageRow
from relay.store.users import SignIn, User, Users

__all__ = [
    "ApiKey",
    "ApiKeys",
    "Approved",
    "Database",
    "DayUsage",
    "Enrolment",
    "Kiosk",
    "Kiosks",
    "NameTaken",
    "Pending",
    "SignIn",
    "TooManyEnrolments",
    "Usage",
    "UsageRow",
    "User",
    "Users",
    "Valid",
    "Waiting",
    "check_name",
    "still_valid",
]
