"""What the operators' page shows, as JSON: health, workers, the last half hour, a session's course.

No view holds what anybody said.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from relay.auth.identities import Role
from relay.errors import InvalidRequest, NotFound, StateUnavailable
from relay.http.access import Access
from relay.http.health import Readiness
from relay.limits.slots import Slots
from relay.metrics.figures import SPAN, SPANS, Point, point
from relay.registry import (
    ControlChannel,
    FigureHistory,
    Registry,
    Timelines,
    Wish,
    WishFor,
    Workers,
)

SETTLED_AFTER: Final = 1.5
"""Seconds after a span's end at which all workers have written down what they did in it."""


@dataclass(frozen=True)
class OpsEndpoint:
    """`/api/ops`, `/api/ops/history`, `/api/sessions/{id}/timeline`, `/api/workers/{worker}/…`."""

    access: Access
    readiness: Readiness
    registry: Registry
    timelines: Timelines
    workers: Workers
    control: ControlChannel
    slots: Slots
    figures: FigureHistory
    _points: OrderedDict[int, Point | None] = field(default_factory=OrderedDict, init=False)
    """Of spans that nobody adds to any more: operators who look on cost Redis one of them each."""
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/api/ops", self.show),
            Route("/api/ops/history", self.show_history),
            Route("/api/sessions/{session_id}/timeline", self.show_timeline),
            Route("/api/workers/{worker}/drain", self.drain_worker, methods=["POST"]),
            Route("/api/workers/{worker}/drain", self.serve_again, methods=["DELETE"]),
        ]

    async def show(self, request: Request) -> Response:
        """Health, workers, and the provider's slots; what Redis can't tell now is null."""
        await self._operator(request)
        health = await self.readiness.faults()
        workers: list[Any] | None = None
        slots = None
        try:
            workers = msgspec.to_builtins(await self.workers.list())
            slots = msgspec.to_builtins(await self.slots.occupancy())
        except StateUnavailable:
            pass  # health says so
        return JSONResponse(
            {"at": round(time.time(), 3), "health": health, "workers": workers, "slots": slots}
        )

    async def show_history(self, request: Request) -> Response:
        """What all workers did in each span of the last half hour, or since a moment."""
        await self._operator(request)
        last = int((time.time() - SETTLED_AFTER) // SPAN) - 1
        first = max(last - SPANS + 1, _span_after(request))
        points = await self._read(first, last)
        return JSONResponse({"span_seconds": SPAN, "points": msgspec.to_builtins(points)})

    async def show_timeline(self, request: Request) -> Response:
        """What happened in a session, on whichever workers; never what was said."""
        await self._operator(request)
        session_id = request.path_params["session_id"]
        entries = await self.timelines.read(session_id)
        if not entries and await self.registry.find(session_id) is None:
            raise NotFound("There is no such live session.")
        return JSONResponse({"session_id": session_id, "entries": msgspec.to_builtins(entries)})

    async def drain_worker(self, request: Request) -> Response:
        """Let a worker hand its sessions on and take no new ones."""
        await self._operator(request)
        await self.ask(request.path_params["worker"], Wish.DRAIN)
        return Response(status_code=202)

    async def serve_again(self, request: Request) -> Response:
        """Let a worker that was drained take sessions again."""
        await self._operator(request)
        await self.ask(request.path_params["worker"], Wish.SERVE)
        return Response(status_code=202)

    async def ask(self, worker: str, wish: Wish) -> None:
        """Ask something of a worker.

        Raises:
            NotFound: If there is no such worker.
        """
        await self.workers.ask(worker, wish)
        # The channel is only the faster way: who isn't listening just now hears it by its beat.
        await self.control.send(WishFor(worker, wish))

    async def _read(self, first: int, last: int) -> list[Point]:
        async with self._reading:
            for begin, end in _runs([n for n in range(first, last + 1) if n not in self._points]):
                found = await self.figures.read(begin, end)
                for span in range(begin, end + 1):
                    tallied = found.get(span)
                    self._points[span] = None if tallied is None else point(span, tallied)
            while len(self._points) > 2 * SPANS:
                self._points.popitem(last=False)
        return [each for n in range(first, last + 1) if (each := self._points.get(n)) is not None]

    async def _operator(self, request: Request) -> None:
        await self.access.require(request, Role.OPERATOR)


def _span_after(request: Request) -> int:
    """The first span that ended after the moment that `since` names."""
    since = request.query_params.get("since", "0")
    if not (since.isdecimal() and since.isascii() and len(since) <= 12):
        raise InvalidRequest("since is a moment in whole seconds since 1970.")
    return int(since) // SPAN


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs from, to."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
