"""What an operator grants of the options that a client asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from relay.errors import InvalidRequest
from relay.scribe.parameters import PARAMETERS, CommitStrategy, InvalidParameters, Parameters

ALL_SURCHARGES = frozenset(name for name, row in PARAMETERS.items() if row.surcharge)


@dataclass(frozen=True)
class OptionPolicy:
    """Pins, caps and permissions; what it changes of a request, `grant` says in words."""

    pinned: tuple[tuple[str, str], ...] = ()
    """Query pairs that every session gets, whatever it asks for."""
    capped: Mapping[str, float] = field(default_factory=dict)
    """Highest value of a number, or greatest length of a list, by the option's name."""
    allowed_surcharges: frozenset[str] = frozenset()
    """Options that cost extra and may be used all the same."""

    def with_pins(self, pairs: tuple[tuple[str, str], ...]) -> Self:
        """Pin options for one session, as far as the operator has not pinned them for all."""
        pinned = {name for name, _ in self.pinned}
        return replace(
            self, pinned=(*(pair for pair in pairs if pair[0] not in pinned), *self.pinned)
        )

    def grant(self, asked: Iterable[tuple[str, str]]) -> tuple[Parameters, list[str]]:
        """Read decoded query pairs and fit them to the policy.

        Returns:
            What is granted, and a sentence for each option that differs from what was asked.

        Raises:
            InvalidRequest: If an option is wrong, unknown or not allowed; it names all of them.
        """
        pins = {name for name, _ in self.pinned}
        asked = tuple(asked)
        overruled = {pair[0] for pair in asked if pair[0] in pins and pair not in self.pinned}
        pairs = [pair for pair in asked if pair[0] not in pins]
        try:
            parameters = Parameters.parse([*pairs, *self.pinned])
        except InvalidParameters as error:
            raise InvalidRequest(f"The request can't be served: {error}.") from None
        if parameters.commit_strategy is CommitStrategy.TURN_PREDICTION:
            raise InvalidRequest("commit_strategy can be manual or vad: the relay commits itself.")
        if refused := sorted(parameters.surcharges() - self.allowed_surcharges):
            raise InvalidRequest(
                f"{', '.join(refused)}: costs extra and is not allowed here; "
                "an operator can allow it by RELAY_ALLOWED_SURCHARGES."
            )
        notes = [f"{name} is set by the operator of this relay." for name in sorted(overruled)]
        capped = self._capped(parameters)
        notes += [f"{name} was reduced to what this relay allows." for name in capped]
        try:
            return parameters.replace(**capped), notes
        except InvalidParameters as error:
            text = f"What this relay allows doesn't go together with the rest: {error}."
            raise InvalidRequest(text) from None

    def _capped(self, parameters: Parameters) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, cap in self.capped.items():
            value = getattr(parameters, name)
            if isinstance(value, tuple) and len(value) > cap:
                changes[name] = value[: int(cap)]
            elif isinstance(value, int | float) and value > cap:
                changes[name] = type(value)(cap)
        return changes


def check_options(pairs: Iterable[tuple[str, str]]) -> None:
    """Accept options that are to be pinned, for a kiosk or by a ticket.

    Raises:
        InvalidRequest: If no session could run with them.
    """
    OptionPolicy(allowed_surcharges=ALL_SURCHARGES).grant(pairs)
