"""How one query parameter is read, checked and written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_BOOLEANS: Final = {"true": True, "false": False}

_SHOWN_LENGTH: Final = 64
"""Characters of a wrong value that are repeated in a fault's text."""


def shown(value: object) -> str:
    """Quote a value for a fault's text: one line, of bounded length."""
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


@dataclass(frozen=True)
class Kind:
    """What values a parameter takes.

    `read` makes a value of a query's texts, `validate` refuses one that is out of bounds, `write`
    makes texts again. The first two raise `ValueError` with a text that begins with a verb, so that
    it can follow the parameter's name, and says what would be right.
    """

    def read(self, texts: Sequence[str]) -> Any:
        """Read a parameter's texts, of which there is at least one; bounds come later."""
        if len(texts) > 1:
            raise ValueError("may be given only once")
        return self.read_one(texts[0])

    def read_one(self, text: str) -> Any:
        return text

    def validate(self, value: Any) -> Any:
        """Return the value in its proper type, if it is in bounds."""
        raise NotImplementedError

    def write(self, value: Any) -> list[str]:
        return [str(value)]

    def describe(self) -> str:
        """Say in a few words what is accepted, for documentation."""
        raise NotImplementedError


@dataclass(frozen=True)
class Boolean(Kind):
    """`true` or `false`, in lower case."""

    def read_one(self, text: str) -> bool:
        try:
            return _BOOLEANS[text]
        except KeyError:
            raise ValueError(f"must be `true` or `false`, not {shown(text)}") from None

    def validate(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"must be a bool, not {shown(value)}")
        return value

    def write(self, value: bool) -> list[str]:
        return ["true" if value else "false"]

    def describe(self) -> str:
        return "`true`, `false`"


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number; both bounds are allowed."""

    minimum: int
    maximum: int

    def read_one(self, text: str) -> int:
        if not _INTEGER.fullmatch(text) or len(text) > _SHOWN_LENGTH:
            raise ValueError(f"must be a whole number, not {shown(text)}")
        return int(text)

    def validate(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"must be an int, not {shown(value)}")
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"must be {self.describe()}, not {shown(value)}")
        return value

    def describe(self) -> str:
        return f"{self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Number(Kind):
    """A decimal number; both bounds are allowed."""

    minimum: float
    maximum: float

    def read_one(self, text: str) -> float:
        # float() alone would accept "nan", "1_0" and digits of other scripts.
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"must be a number, not {shown(text)}")
        return float(text)

    def validate(self, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ValueError(f"must be a number, not {shown(value)}")
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"must be {self.describe()}, not {shown(value)}")
        return float(value)

    def describe(self) -> str:
        return f"{self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few names; where they are an enum's, the value is its member."""

    choices: tuple[str, ...]

    def validate(self, value: Any) -> str:
        for choice in self.choices:
            if value == choice:
                return choice
        raise ValueError(f"must be one of {', '.join(self.choices)}, not {shown(value)}")

    def describe(self) -> str:
        return ", ".join(f"`{choice}`" for choice in self.choices)


@dataclass(frozen=True)
class Text(Kind):
    """A text of bounded length, perhaps of a certain form."""

    max_length: int
    form: str | None = None
    """A regular expression that the whole text must match."""
    form_name: str = "text"

    def validate(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be text, not {shown(value)}")
        if not value:
            raise ValueError("must not be empty")
        if self.form is not None and not re.fullmatch(self.form, value):
            raise ValueError(f"must be {self.form_name}, not {shown(value)}")
        if len(value) > self.max_length:
            raise ValueError(
                f"must have at most {self.max_length} characters; {shown(value)} has {len(value)}"
            )
        return value

    def describe(self) -> str:
        return f"{self.form_name}, at most {self.max_length} characters"


@dataclass(frozen=True)
class TextList(Kind):
    """Several texts: the parameter is repeated."""

    item: Text
    max_items: int | None = None

    def read(self, texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(texts)

    def validate(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, tuple | list):
            raise ValueError(f"must be a tuple, not {shown(value)}")
        if self.max_items is not None and len(value) > self.max_items:
            raise ValueError(f"may be given at most {self.max_items} times, not {len(value)}")
        return tuple(self.item.validate(item) for item in value)

    def write(self, value: Sequence[str]) -> list[str]:
        return list(value)

    def describe(self) -> str:
        count = "" if self.max_items is None else f", at most {self.max_items} times"
        return f"repeated{count}: {self.item.describe()}"
