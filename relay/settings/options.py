"""Options of a session that an operator pins or caps, checked against Scribe's own table."""

from urllib.parse import parse_qsl

from relay.scribe.kinds import Integer, Number, TextList
from relay.scribe.parameters import PARAMETERS, CommitStrategy, InvalidParameters, Parameters


def parse_pinned_options(value: object) -> object:
    """Read `name=value&name=value` into pairs; what isn't text is passed on as it is.

    Raises:
        ValueError: If it isn't a query string, or no session could run with these options.
    """
    if not isinstance(value, str):
        return value
    pairs = _parse_query(value, "language_code=en&no_verbatim=true")
    if any(name == "audio_format" for name, _ in pairs):
        raise ValueError("audio_format has its own setting, RELAY_UPSTREAM_AUDIO_FORMAT")
    try:
        parameters = Parameters.parse(pairs)
    except InvalidParameters as error:
        raise ValueError(str(error)) from None
    if parameters.commit_strategy is CommitStrategy.TURN_PREDICTION:
        raise ValueError("commit_strategy can be manual or vad, since the relay commits itself")
    return pairs


def check_place_options(name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    """Accept the options of a kiosk known by place.

    Raises:
        ValueError: If no session could run with them.
    """
    try:
        Parameters.parse(pairs)
    except InvalidParameters as error:
        raise ValueError(f"{name}: {error}") from None


def parse_capped_options(value: object) -> object:
    """Read `name=number&name=number`; what isn't text is passed on as it is.

    Returns:
        Highest value of a number, or greatest length of a list, by the option's name.

    Raises:
        ValueError: If an option is unknown, has nothing to cap, or no value could stay below its
            cap.
    """
    if not isinstance(value, str):
        return value
    pairs = _parse_query(value, "keyterms=10&vad_silence_threshold_secs=2")
    return {name: _parse_cap(name, text) for name, text in pairs}


def _parse_cap(name: str, text: str) -> float:
    if name not in PARAMETERS:
        raise ValueError(f"{name} is not an option of a session")
    kind = PARAMETERS[name].kind
    if not isinstance(kind, Integer | Number | TextList):
        raise ValueError(f"{name} is neither a number nor a list, so it can't be capped")
    bounds = Integer(0, kind.max_items or 1000) if isinstance(kind, TextList) else kind
    try:
        return float(bounds.validate(bounds.read_one(text)))
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _parse_query(text: str, example: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
    except ValueError:
        raise ValueError(
            f"'{text}' is not a query string; give name=value pairs joined by &, such as {example}"
        ) from None
