"""Lua scripts, kept as files of their own next to the module that runs them."""

from importlib.resources import files

PRELUDE = """\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
"""Put before every script: `now` is Redis's clock in milliseconds."""


def read_script(package: str, name: str) -> str:
    """Read `<package>/scripts/<name>.lua`, with the prelude before it."""
    return PRELUDE + (files(package) / "scripts" / f"{name}.lua").read_text()
