"""Which names users, kiosks and keys may have. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from relay.errors import RelayError
from relay.folding import fold_name

MAX_NAME_LENGTH: Final = 64
"""Characters."""

ID: Final = re.compile("[0-9a-f]{32}")
"""What our ids look like. No name may, so that commands can take either."""


@dataclass(eq=False)
class NameTaken(RelayError):
    """Raised when another one, written the same but for case, has the name already."""

    name: str

    def __str__(self) -> str:
        return f"The name '{self.name}' is taken."


def check_name(name: str) -> None:
    """Check that a name can be read, typed and told apart.

    Raises:
        ValueError: If it can't.
    """
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ValueError(f"a name has 1 to {MAX_NAME_LENGTH} characters, this one {len(name)}")
    if name != name.strip():
        raise ValueError("a name neither begins nor ends with a space")
    for character in name:
        # Controls, formats (which are invisible or turn the text around), surrogates, private and
        # unassigned characters; separators other than the plain space.
        if unicodedata.category(character)[0] == "C" or (character.isspace() and character != " "):
            raise ValueError(f"a name can't hold the character U+{ord(character):04X}")
    if ID.fullmatch(fold_name(name)):
        raise ValueError("a name can't be 32 hexadecimal digits, which is what ids look like")


def is_name(text: str) -> bool:
    """Tell whether anybody could be called that."""
    try:
        check_name(text)
    except ValueError:
        return False
    return True
