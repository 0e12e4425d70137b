"""Headers in which browsers weigh what they like."""

import pytest

from relay.http.preferences import weights


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("gzip, br;q=0.5", {"gzip": 1.0, "br": 0.5}),
        ("GZIP ; q=0.3,gzip;q=0.2", {"gzip": 0.3}),
        ("gzip;q=0", {"gzip": 0.0}),
        ("gzip;q=nonsense", {"gzip": 0.0}),
        ("gzip;level=9", {"gzip": 1.0}),
        ("", {"": 1.0}),
    ],
)
def test_each_value_has_its_weight(header: str, found: dict[str, float]) -> None:
    assert weights(header) == found
