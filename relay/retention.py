"""For how long what was said is kept, and whether at all. Pure."""

import math
from dataclasses import dataclass
from typing import Final

from relay.folding import fold_name

FOREVER: Final = math.inf

KINDS: Final = ("user", "kiosk", "key")

MAX_DAYS: Final = 36_500.0

EXAMPLE: Final = "kiosk=1,kiosk:lobby=0,user:anna=forever"


@dataclass(frozen=True, slots=True)
class Rule:
    """For how many days the transcripts of some are kept; 0: they aren't even written."""

    kind: str
    """`user`, `kiosk` or `key`."""
    who: str | None
    """A name or an id; None stands for all of the kind."""
    days: float

    def names(self, who: str) -> bool:
        """Whether it is the rule for one who is called that, or has that id."""
        return self.who is not None and fold_name(self.who) == fold_name(who)

    def __str__(self) -> str:
        whom = self.kind if self.who is None else f"{self.kind}:{self.who}"
        return f"{whom}={'forever' if self.days == FOREVER else f'{self.days:g}'}"


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days transcripts are kept: by the rule for one, for its kind, for all."""

    days: float = FOREVER
    """Of those for whom there is no rule."""
    rules: tuple[Rule, ...] = ()

    def days_of(self, kind: str, who: str, name: str) -> float:
        """For how many days what somebody says is kept.

        Args:
            kind: `user`, `kiosk` or `key`.
            who: Their id.
            name: Their name.
        """
        of_kind = [rule for rule in self.rules if rule.kind == kind]
        for rule in of_kind:
            if rule.names(who) or rule.names(name):
                return rule.days
        for rule in of_kind:
            if rule.who is None:
                return rule.days
        return self.days


NOBODY: Final = Retention(0)
"""Keeps nothing."""


def parse_days(text: str) -> float:
    """Read a number of days, or `forever`.

    Raises:
        ValueError: If it is neither.
    """
    if text.strip().lower() == "forever":
        return FOREVER
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days <= MAX_DAYS:
        raise ValueError(f"'{text}' is no number of days; give 0 to {MAX_DAYS:g}, or forever")
    return days


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read `kind=days,kind:name=days`; names may hold neither commas nor equals signs.

    Raises:
        ValueError: If it is something else, or says of the same ones twice.
    """
    rules: dict[tuple[str, str | None], Rule] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        whom, mark, days = part.rpartition("=")
        kind, colon, who = whom.partition(":")
        if not mark or kind not in KINDS or (colon and not who):
            raise ValueError(
                f"'{part}' is no rule; give the kind ({', '.join(KINDS)}), perhaps a name, and the "
                f"days, such as {EXAMPLE}"
            )
        key = kind, fold_name(who) or None
        if key in rules:
            raise ValueError(f"there are two rules for '{whom}'")
        rules[key] = Rule(kind, who or None, parse_days(days))
    return tuple(rules.values())
