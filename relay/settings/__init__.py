"""What the operator can set: where it is read, what is checked, how a fault reads.

    values       one text → one checked value; pure
    options      options that operators pin or cap, checked against Scribe's table; pure
    environment  the layers: flag > environment > `.env` > default, and secrets kept in files
    layered      a model that is filled from those layers
    provider  listening  sessions  state  identity  limits
                 one section each: every field with its unit, default and meaning
    secret       fields that nobody is shown
    model        `Settings`, all sections together, and `ClientSettings`
    faults       what the checks found, as sentences that name the variable
    reference    the settings page of the documentation and `.env.example`, made from the model

`Settings(...)` alone reads nothing from outside, so a test needs no environment; `Settings.load()`
reads the layers. This package is the only place that reads the environment.
"""

from relay.settings.environment import Environment
from relay.settings.model import ClientSettings, Settings, known_variables

__all__ = ["ClientSettings", "Environment", "Settings", "known_variables"]
