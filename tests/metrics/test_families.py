"""What is measured, as Prometheus's conventions want it."""

import re

import pytest

from relay.metrics.families import BY_NAME, FAMILIES, Family, Kind

every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(FAMILIES)


@every_family
def test_a_name_says_its_unit_in_full(family: Family) -> None:
    assert re.fullmatch(r"relay_[a-z]+(_[a-z]+)*", family.full_name)
    assert not re.search(r"_(ms|milliseconds|minutes|kilobytes|mb|percent)(_|$)", family.full_name)
    assert family.full_name.endswith("_total") == (family.kind is Kind.COUNTER)


@every_family
def test_a_metric_says_what_it_means(family: Family) -> None:
    assert family.help.endswith((".", "1."))
    assert "|" not in family.help


@every_family
def test_a_histogram_has_bounds_that_rise(family: Family) -> None:
    assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)
    assert list(family.buckets) == sorted(set(family.buckets))


@every_family
def test_labels_are_of_a_fixed_set(family: Family) -> None:
    assert all(values for label, values in family.labels.items() if label != "version")
    for values in family.labels.values():
        assert len(values) == len(set(values)) <= 25
