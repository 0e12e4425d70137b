"""Faults and records over HTTP, for this machine only.

GET, POST, DELETE /simulator/faults     list, add (one JSON object), clear
GET /simulator/connections              what was received, oldest first
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

import msgspec
from aiohttp import hdrs, web

from relay.simulator.faults import Fault, FaultQueue, InvalidFault
from relay.simulator.records import ConnectionRecord


def is_local(request: web.Request) -> bool:
    """Tell whether a program on this machine asks, and no web page that it shows.

    Pages send an `Origin` with what they may not do unasked, and a name of their own as `Host`
    where they have made it resolve to this machine.
    """
    host = request.url.host or ""
    return (
        hdrs.ORIGIN not in request.headers
        and _is_loopback(request.remote or "")
        and (host == "localhost" or _is_loopback(host))
    )


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def control_routes(
    faults: FaultQueue, records: Callable[[], Iterable[ConnectionRecord]]
) -> list[web.RouteDef]:
    """Make the routes of the control calls."""

    async def list_faults(request: web.Request) -> web.Response:
        _require_local(request)
        return _json(faults.waiting)

    async def add_fault(request: web.Request) -> web.Response:
        _require_local(request)
        try:
            fault = Fault.from_json(await request.read())
        except InvalidFault as error:
            return _json({"error": str(error)}, status=422)
        faults.add(fault)
        return _json(fault, status=201)

    async def clear_faults(request: web.Request) -> web.Response:
        _require_local(request)
        faults.clear()
        return web.Response(status=204)

    async def list_connections(request: web.Request) -> web.Response:
        _require_local(request)
        return _json([record.as_fields() for record in records()])

    return [
        web.get("/simulator/faults", list_faults),
        web.post("/simulator/faults", add_fault),
        web.delete("/simulator/faults", clear_faults),
        web.get("/simulator/connections", list_connections),
    ]


def _require_local(request: web.Request) -> None:
    if not is_local(request):
        raise web.HTTPForbidden(text="Control calls are answered on this machine only.")


def _json(value: Any, *, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")
