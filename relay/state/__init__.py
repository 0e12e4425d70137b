"""State that all workers and hosts share: Redis, or for one worker an engine inside the process.

One code path for both: the same commands and scripts, through redis-py's interface. Time in scripts
is Redis's own (`TIME`), so that hosts whose clocks differ agree.

    connection   `SharedState`: how Redis is reached, and what it means when it can't be
    scripts      Lua files next to the code that calls them
"""

from relay.state.connection import SharedState

__all__ = ["SharedState"]
