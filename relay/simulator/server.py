"""The simulator as a server: `Simulator`, an async context manager."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from uuid import uuid4

import structlog
from aiohttp import web

from relay.audio.pcm import WireFormat
from relay.scribe.errors import ErrorType
from relay.scribe.parameters import InvalidParameters, Parameters
from relay.simulator.actions import Close
from relay.simulator.behaviour import Behaviour
from relay.simulator.connection import Connection
from relay.simulator.control import control_routes
from relay.simulator.credentials import TOKEN_TYPES, Credentials
from relay.simulator.engines import Engine, EngineFailed, EngineFull
from relay.simulator.engines.scripted import ScriptedEngine
from relay.simulator.engines.sphinx import SphinxEngine
from relay.simulator.faults import Fault, FaultKind, FaultPlan, FaultQueue, InvalidFault
from relay.simulator.moderation import moderation_routes
from relay.simulator.records import Changes, ConnectionRecord, WavDump
from relay.simulator.refusals import Refused
from relay.simulator.session import Session
from relay.simulator.sockets import close_socket, reset_transport

REALTIME_PATH: Final = "/v1/speech-to-text/realtime"
TOKEN_PATH: Final = "/v1/single-use-token/{token_type}"  # noqa: S105  # a path
KEY_HEADER: Final = "xi-api-key"

FAULT_PARAMETER: Final = "simulate_fault"
"""A query parameter that Scribe doesn't have, and would ignore."""

KEPT_RECORDS: Final = 1000
"""Connections that are remembered; the oldest closed ones go first."""

MAX_MESSAGE_BYTES: Final = 16 << 20
"""Well above base64 of any `Behaviour.max_chunk_bytes`, so that the answer is Scribe's error."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds that a client has to answer a close."""

SHUTDOWN_TIMEOUT: Final = 1.0
"""Seconds that sockets have to close when the simulator stops."""

_UNLOGGED: Final = frozenset({"keyterms", "transcript_edit"})
"""Parameters that hold people's words."""

_log = structlog.get_logger("relay.simulator")


EngineName: TypeAlias = Literal["scripted", "pocketsphinx"]


class Simulator:
    """Serve Scribe v2 Realtime while the context is open.

    ```python
    async with Simulator(faults=[Fault(FaultKind.DROP, after_samples=16000)]) as simulator:
        ...  # connect to simulator.url
        await simulator.wait_for(lambda: simulator.connections[0].finals == 1)
    ```
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        engine: Engine | EngineName = "scripted",
        api_keys: Collection[str] | None = None,
        behaviour: Behaviour | None = None,
        faults: Iterable[Fault] = (),
        ssl_context: ssl.SSLContext | None = None,
        record_audio: bool = False,
        dump_folder: Path | None = None,
    ) -> None:
        """Describe what to serve; nothing happens before the context is entered.

        Args:
            host: Address to listen on.
            port: 0 for any that is free; see `url`.
            engine: Who transcribes, by name or with its own settings; started and closed here.
            api_keys: Those that are accepted; `None` for any that isn't empty.
            behaviour: Times and limits, if not the service's.
            faults: For the next connections; `faults.add` takes more at any time.
            ssl_context: For `wss://`.
            record_audio: Keep each connection's audio in memory, as `ConnectionRecord.audio`.
            dump_folder: Write each connection's audio there as a WAV file; made if missing.
        """
        self.faults = FaultQueue(faults)
        self.connections: list[ConnectionRecord] = []
        self._host = host
        self._port = port
        self._engine = engine if isinstance(engine, Engine) else _engine_of(engine)
        self._behaviour = behaviour or Behaviour()
        self._credentials = Credentials(api_keys, self._behaviour.token_lifetime)
        self._ssl_context = ssl_context
        self._record_audio = record_audio
        self._dump_folder = dump_folder
        self._changes = Changes()
        self._live: set[Connection] = set()
        self._admission = asyncio.Lock()
        self._exit = AsyncExitStack()

    @property
    def url(self) -> str:
        """The base URL, as a client needs it: scheme, host and port.

        It stays the same where the simulator is stopped and started again.

        Raises:
            RuntimeError: If its port is still to be found, as the context is entered.
        """
        if not self._port:
            raise RuntimeError("The simulator has no port yet: enter its context first")
        scheme = "ws" if self._ssl_context is None else "wss"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    async def wait_for(
        self,
        is_met: Callable[[], bool],
        timeout: float = 5.0,  # noqa: ASYNC109  # as in Changes.wait_for
    ) -> None:
        """Wait until a condition on `connections` holds.

        Raises:
            TimeoutError: If it doesn't in `timeout` seconds.
        """
        await self._changes.wait_for(is_met, timeout)

    async def __aenter__(self) -> Self:
        """Start engine and server.

        Raises:
            ConfigError: If the engine lacks something.
            OSError: If the address can't be listened on.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._engine.aclose)
            await self._engine.start()
            if self._dump_folder is not None:
                self._dump_folder.mkdir(parents=True, exist_ok=True)
            runner = web.AppRunner(
                self._application(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl_context)
            await site.start()
            # Before the runner's own clean-up, which ignores what comes in, close replies included.
            stack.push_async_callback(self._leave, site)
            self._port = runner.addresses[0][1]
            self._exit = stack.pop_all()
        _log.info("simulator started", url=self.url, engine=self._engine.name)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exit.aclose()

    def _application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get(REALTIME_PATH, self._serve_realtime),
                web.post(TOKEN_PATH, self._issue_token),
                *control_routes(self.faults, lambda: self.connections),
                *moderation_routes(),
            ]
        )
        return application

    async def _leave(self, site: web.TCPSite) -> None:
        await site.stop()
        for connection in self._live:
            connection.leave()
        with contextlib.suppress(TimeoutError):
            await self.wait_for(lambda: not self._live, SHUTDOWN_TIMEOUT)

    async def _issue_token(self, request: web.Request) -> web.Response:
        if not self._credentials.is_key(request.headers.get(KEY_HEADER)):
            return web.json_response({"detail": {"status": "invalid_api_key"}}, status=401)
        token_type = request.match_info["token_type"]
        if token_type not in TOKEN_TYPES:
            return web.json_response({"detail": [{"msg": "unknown token type"}]}, status=422)
        now = asyncio.get_running_loop().time()
        return web.json_response({"token": self._credentials.issue_token(token_type, now)})

    async def _serve_realtime(self, request: web.Request) -> web.StreamResponse:
        query = list(request.query.items())
        try:
            asked_for = [Fault.from_text(v) for name, v in query if name == FAULT_PARAMETER]
        except InvalidFault as error:
            raise web.HTTPBadRequest(text=f"{FAULT_PARAMETER}: {error}") from error
        faults = FaultPlan([*asked_for, *self.faults.take()])
        if (fault := faults.handshake) is not None:
            return _prevent(request, fault)
        websocket: web.WebSocketResponse[bool] = web.WebSocketResponse(
            autoclose=False,
            compress=False,
            decode_text=False,
            max_msg_size=MAX_MESSAGE_BYTES,
            timeout=CLOSE_TIMEOUT,
        )
        try:
            await websocket.prepare(request)
        except ConnectionError:
            return web.Response()  # whoever asked has gone, and gets nothing of this
        record = self._new_record(query)
        try:
            await self._serve(request, websocket, record, faults)
        finally:
            self._note_closed(record)
        return websocket

    async def _serve(
        self,
        request: web.Request,
        websocket: web.WebSocketResponse[bool],
        record: ConnectionRecord,
        faults: FaultPlan,
    ) -> None:
        try:
            # One at a time: the engine may take a while, and none may use the same token or the
            # last free session meanwhile.
            async with self._admission:
                connection = await self._admit(request, websocket, record, faults)
                self._live.add(connection)
        except Refused as refused:
            _note_refusal(record, refused.ending)
            await close_socket(websocket, refused.ending)
            return
        try:
            await connection.run()
        finally:
            self._live.discard(connection)

    async def _admit(
        self,
        request: web.Request,
        websocket: web.WebSocketResponse[bool],
        record: ConnectionRecord,
        faults: FaultPlan,
    ) -> Connection:
        """Make a session of a socket.

        Raises:
            Refused: If the credential, the parameters or the number of sessions aren't good.
        """
        now = record.opened
        token = request.query.get("token")
        key = request.headers.get(KEY_HEADER)
        record.credential = self._credentials.verify(key=key, token=token, now=now)
        if record.credential is None:
            raise Refused(ErrorType.AUTH_ERROR)
        known = ((name, text) for name, text in record.query if name != FAULT_PARAMETER)
        try:
            parameters = Parameters.parse(known, allow_unknown=True)
        except InvalidParameters as error:
            raise Refused(ErrorType.INVALID_REQUEST, str(error)) from error
        limit = self._behaviour.max_sessions
        if limit is not None and len(self._live) >= limit:
            raise Refused(ErrorType.RATE_LIMITED)
        try:
            stream = await self._engine.open(parameters)
        except EngineFull as error:
            raise Refused(ErrorType.RESOURCE_EXHAUSTED) from error
        except EngineFailed as error:
            raise Refused(ErrorType.TRANSCRIBER_ERROR) from error
        if token is not None:
            self._credentials.spend(token)
        record.parameters = parameters
        if self._record_audio:
            record.payload = bytearray()
        _log.info(
            "session opened",
            session_id=record.session_id,
            credential=record.credential,
            parameters=_loggable(parameters),
        )
        session = Session(
            parameters, self._behaviour, faults, session_id=record.session_id, now=now
        )
        return Connection(
            websocket,
            request,
            session,
            stream,
            record,
            speed=faults.speed,
            dump=self._dump(record, parameters),
            notify=self._changes.notify,
        )

    def _new_record(self, query: Iterable[tuple[str, str]]) -> ConnectionRecord:
        while len(self.connections) >= KEPT_RECORDS and not self.connections[0].is_open:
            del self.connections[0]
        record = ConnectionRecord(
            session_id=uuid4().hex,
            opened=asyncio.get_running_loop().time(),
            query=tuple((name, text) for name, text in query if name != "token"),
        )
        self.connections.append(record)
        self._changes.notify()
        return record

    def _note_closed(self, record: ConnectionRecord) -> None:
        record.closed = asyncio.get_running_loop().time()
        _log.info(
            "connection closed",
            session_id=record.session_id,
            close_code=record.close_code,
            closed_by_client=record.closed_by_client,
            samples=record.samples,
            messages=record.messages,
            commits=len(record.commits),
            finals=record.finals,
            errors=record.errors,
        )
        self._changes.notify()

    def _dump(self, record: ConnectionRecord, parameters: Parameters) -> WavDump | None:
        if self._dump_folder is None:
            return None
        path = self._dump_folder / f"{record.session_id}.wav"
        return WavDump(path, WireFormat(parameters.audio_format))


def _engine_of(name: EngineName) -> Engine:
    return ScriptedEngine() if name == "scripted" else SphinxEngine()


def _prevent(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Let a handshake fail as asked for."""
    _log.info("handshake refused", fault=fault.kind)
    if fault.kind is FaultKind.RESET_HANDSHAKE:
        reset_transport(request)
    return web.Response(status=fault.status, text="Refused on request.")


def _note_refusal(record: ConnectionRecord, ending: Close) -> None:
    assert ending.error is not None  # a refusal always says why
    record.errors.append(ending.error["message_type"])
    record.close_code = ending.code


def _loggable(parameters: Parameters) -> str:
    return " ".join(
        f"{name}={text}" for name, text in parameters.to_query() if name not in _UNLOGGED
    )
