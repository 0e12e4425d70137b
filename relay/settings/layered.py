"""A model whose fields are variables of the environment."""

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, Field, ValidationError

from relay.errors import ConfigError
from relay.settings.environment import PREFIX, Environment, Found
from relay.settings.faults import describe


def setting(default: Any, section: str, description: str, unit: str = "", **bounds: Any) -> Any:
    """Declare a field: where it stands in the reference, what it means, what its number counts."""
    return Field(
        default,
        description=description,
        json_schema_extra={"section": section, "unit": unit},
        **bounds,
    )


class Layered(
    BaseModel, frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
):
    """A model whose fields are variables."""

    secrets: ClassVar[frozenset[str]] = frozenset()
    """Fields that may also come from a file, and whose values nobody is shown."""

    @classmethod
    def variable_of(cls, field_name: str) -> str:
        """Name the environment variable of a field."""
        return PREFIX + field_name.upper()

    @classmethod
    def variables(cls) -> set[str]:
        """Name every variable that this model reads, `_FILE` variants included."""
        names = {cls.variable_of(name) for name in cls.model_fields}
        return names | {f"{cls.variable_of(name)}_FILE" for name in cls.secrets}

    @classmethod
    def load(cls, *, env_file: Path = Path(".env"), **flags: Any) -> Self:
        """Take settings from flag > environment > `env_file` > default.

        Args:
            env_file: Need not exist.
            flags: By field name; `None` means not given.

        Raises:
            ConfigError: With every fault at once.
        """
        return cls.from_environment(Environment.read(env_file=env_file, **flags))

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Check what was found and build the settings.

        Raises:
            ConfigError: With every fault at once.
        """
        found, faults = cls.collect(environment)

        def place(name: str) -> str:
            origin = found[name].origin if name in found else "not set"
            return f"{cls.variable_of(name)} ({origin})"

        try:
            settings = cls(**{name: value for name, (value, _) in found.items()})
        except ValidationError as error:
            faults += describe(error.errors(), cls.model_fields, place, cls.secrets)
            # Not chained: pydantic's text repeats every value, secrets included.
            raise ConfigError(tuple(faults)) from None
        if faults:
            raise ConfigError(tuple(faults))
        return settings

    @classmethod
    def collect(cls, environment: Environment) -> tuple[dict[str, Found], list[str]]:
        """Find the value that counts for each field that has one, and why some can't be had."""
        if strange := set(environment.flags) - set(cls.model_fields):
            raise TypeError(f"no setting is named {', '.join(sorted(strange))}")
        values: dict[str, Found] = {}
        faults = list(environment.faults)
        for name in cls.model_fields:
            try:
                found = environment.find(name, cls.variable_of(name), is_secret=name in cls.secrets)
            except ValueError as error:
                faults.append(str(error))
                continue
            if found is not None:
                values[name] = found
        return values, faults
