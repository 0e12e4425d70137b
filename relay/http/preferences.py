"""What a browser says it prefers. Pure."""


def weights(header: str) -> dict[str, float]:
    """Read a header such as `Accept-Language`: each value, in lower case, with its weight.

    Source: RFC 9110, section 12.4.2; a malformed weight counts as none.
    """
    found: dict[str, float] = {}
    for part in header.split(","):
        value, _, parameter = part.partition(";")
        name, _, number = parameter.strip().partition("=")
        weight = 1.0
        if name.strip() == "q":
            try:
                weight = float(number)
            except ValueError:
                weight = 0.0
        key = value.strip().lower()
        found[key] = max(weight, found.get(key, 0.0))
    return found
