"""Two hosts of two workers each, for all tests whose limits are those of a key of their own."""

from collections.abc import Iterator

import pytest

from tests.multi.cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two hosts with separate data folders, and Redis, database and signing keys in common."""
    with running_cluster(hosts=2, workers=2, kiosk_networks="lobby=127.0.0.0/8") as running:
        yield running
