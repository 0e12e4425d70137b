"""A hundred sessions for the better part of a minute; `make soak` takes twenty of them."""

import pytest

from tests.soak.soak import soak


@pytest.mark.slow
def test_a_hundred_sessions_leave_nothing_behind() -> None:
    report = soak(55, sessions=100, length=(2, 6), interval=0.5, warm_up=0.6)
    assert report.defects == []
    assert report.sessions > 300
