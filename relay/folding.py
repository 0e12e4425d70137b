"""When two names are the same. Pure."""

import unicodedata


def fold_name(name: str) -> str:
    """Bring a name to the form in which two that read the same are equal.

    *Source*: compatibility caseless matching, The Unicode Standard, section 3.13, D146.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", name).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())
