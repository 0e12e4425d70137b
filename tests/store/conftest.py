from tests.support.store import (
    database,
    database_url,
    postgres_server,
    postgres_url,
    shared_url,
)

__all__ = ["database", "database_url", "postgres_server", "postgres_url", "shared_url"]
