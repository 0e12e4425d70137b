"""What an account may do. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account may do; None stands for as much as it likes."""

    sessions: int
    """At once."""
    connects_per_minute: int
    minutes_per_day: float | None
    """Of audio; days begin at midnight UTC."""
    session_minutes: float | None
    """Longest session."""

    def replaced(self, overrides: Mapping[str, float]) -> "Limits":
        """Give these limits with some of them changed, as one account has them.

        Args:
            overrides: New values by field name.

        Raises:
            ValueError: If a name is unknown, or a value can't be a limit; the text names it.
        """
        counts = {field.name: field.type is int for field in fields(self)}
        changes: dict[str, float] = {}
        for name, value in overrides.items():
            if name not in counts:
                raise ValueError(f"'{name}' is not a limit; there are {', '.join(counts)}")
            changes[name] = _count(name, value) if counts[name] else _amount(name, value)
        return replace(self, **changes)  # type: ignore[arg-type]  # checked above, name by name


def _amount(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} can't be {value}; give a number from 0 on")
    return value


def _count(name: str, value: float) -> int:
    if not (math.isfinite(value) and value >= 0 and value == int(value)):
        raise ValueError(f"{name} can't be {value}; give a whole number from 0 on")
    return int(value)
