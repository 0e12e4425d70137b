"""What is wrong with a value, in sentences that name the variable and say what would be right."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

LONGEST_QUOTE = 60
"""Characters of a wrong value that a sentence repeats."""


def describe(
    errors: Iterable[ErrorDetails],
    fields: Mapping[str, FieldInfo],
    place: Callable[[str], str],
    secrets: frozenset[str],
) -> tuple[str, ...]:
    """Turn what pydantic found into one sentence for each fault.

    Args:
        errors: As `ValidationError.errors()` gives them.
        fields: The model's fields, for what would be right.
        place: Field name → the variable's name and where its value came from.
        secrets: Names of the fields whose values must not be repeated.
    """
    sentences = []
    for error in errors:
        name = str(error["loc"][0])
        quoted = "the value" if name in secrets else quote(error["input"])
        if error["type"] == "value_error":
            text = str(error["ctx"]["error"])
        else:
            text = f"{quoted} is not {expected(fields[name])}"
        sentences.append(f"{place(name)}: {text}.")
    return tuple(sentences)


def expected(field: FieldInfo) -> str:
    """Say which values a field takes, such as `a whole number from 20 to 1000 (ms)`."""
    choices = choices_of(field.annotation)
    if choices:
        return "one of " + ", ".join(choices)
    if field.annotation is bool:
        return "true or false"
    if limits := limits_of(field):
        noun = "a whole number" if field.annotation is int else "a number"
        unit = unit_of(field)
        return f"{noun} from {limits[0]} to {limits[1]}" + (f" ({unit})" if unit else "")
    return "what this setting takes"


def choices_of(annotation: Any) -> tuple[str, ...]:
    """List the values of a `Literal`, or of one in a collection; nothing else has any."""
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (tuple, frozenset):
        return choices_of(get_args(annotation)[0])
    return ()


def limits_of(field: FieldInfo) -> tuple[Any, Any] | None:
    """Find the lowest and the highest value of a number's field; others have none."""
    lowest = [item.ge for item in field.metadata if isinstance(item, Ge)]
    highest = [item.le for item in field.metadata if isinstance(item, Le)]
    return (lowest[0], highest[0]) if lowest and highest else None


def unit_of(field: FieldInfo) -> str:
    """Say what a field's number counts; nothing where it counts nothing."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def quote(value: object) -> str:
    """Repeat a wrong value, cut to a length that a line can hold."""
    text = str(value)
    return f"'{text}'" if len(text) <= LONGEST_QUOTE else f"'{text[:LONGEST_QUOTE]}…'"
