"""What holds for all tests."""

from hypothesis import settings

# How long an example takes is said by the machine, not by our code.
settings.register_profile("scribe-relay", deadline=None)
settings.load_profile("scribe-relay")
