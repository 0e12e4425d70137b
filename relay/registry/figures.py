"""The figures of the last half hour, all workers and hosts together, for charts.

Time is cut into spans of `relay.metrics.figures.SPAN` seconds. Each worker adds what it counted in
one to what the others did, so that what is kept depends on neither workers nor sessions.
"""

from collections.abc import Mapping
from typing import Final

from relay.state import SharedState
from relay.state.scripts import read_script

LASTS: Final = 2100.0
"""Seconds; the half hour that is shown, and some more for who asks late."""

READ_AT_ONCE: Final = 40
"""Spans in one answer of Redis's, a millisecond or two of work here."""

FIGURES: Final = "relay:figures:"


class FigureHistory:
    """What all workers counted, by number of the span since 1970."""

    def __init__(self, state: SharedState, *, lasts: float = LASTS) -> None:
        """Keep figures in `state` for `lasts` seconds."""
        self._state = state
        self._lasts_ms = round(lasts * 1000)
        self._tally = state.script(read_script(__package__, "tally"))

    async def add(self, span: int, tally: Mapping[str, float]) -> None:
        """Add what one worker counted in a span; call it once for each.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        arguments: list[str | int | float] = [self._lasts_ms]
        for name, value in tally.items():
            arguments += [name, f"{value:.6f}"]
        await self._state.run(self._tally, [f"{FIGURES}{span}"], arguments)

    async def read(self, first: int, last: int) -> dict[int, dict[str, float]]:
        """What was counted in the spans from `first` to `last`; those without figures are missing.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        found: dict[int, dict[str, float]] = {}
        for begin in range(first, last + 1, READ_AT_ONCE):
            spans = range(begin, min(begin + READ_AT_ONCE, last + 1))
            async with self._state.asking() as redis:
                pipeline = redis.pipeline(transaction=False)
                for span in spans:
                    pipeline.hgetall(f"{FIGURES}{span}")
                answers = await pipeline.execute()
            for span, answer in zip(spans, answers, strict=True):
                if answer:
                    found[span] = {name: float(value) for name, value in answer.items()}
        return found
