"""What is said to a meter that passes it on, comes to the other one."""

import inspect
from typing import Any

import pytest

from relay.meter import Forwarding, Meter

SAID = [
    name
    for name, method in inspect.getmembers(Meter, inspect.isfunction)
    if not name.startswith("_") and name != "session"
]


class Heard(Meter):
    """Writes everything down."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name not in SAID:
            return super().__getattribute__(name)
        return lambda *given, **named: self.calls.append((name, given, named))


def example(name: str) -> tuple[list[object], dict[str, object]]:
    parameters = list(inspect.signature(getattr(Meter, name)).parameters.values())[1:]
    given = [object() for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    named = {
        each.name: object()
        for each in parameters
        if each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD)
    }
    return given, named


@pytest.mark.parametrize("name", SAID)
def test_everything_is_passed_on(name: str) -> None:
    heard = Heard()
    given, named = example(name)
    getattr(Forwarding(heard), name)(*given, **named)
    assert heard.calls == [(name, tuple(given), named)]


@pytest.mark.parametrize("name", SAID)
def test_a_meter_that_counts_nothing_takes_everything(name: str) -> None:
    given, named = example(name)
    assert getattr(Meter(), name)(*given, **named) is None


def test_a_session_is_told_to_the_same_meter_unless_one_wants_it_apart() -> None:
    meter = Meter()
    with meter.session("0" * 32, "new") as of_session:
        assert of_session is meter
