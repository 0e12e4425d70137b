"""What one worker tells all others."""

from collections.abc import AsyncGenerator
from typing import Final, TypeAlias

import msgspec
import structlog

from relay.errors import StateUnavailable
from relay.registry.workers import Wish
from relay.state import SharedState

CHANNEL: Final = "relay:control"

_log = structlog.get_logger("relay.registry")


class EndSession(msgspec.Struct, frozen=True, tag="end_session"):
    """End a session in order: commit what was said, await the final, close."""

    session_id: str
    reason: str


class SessionTaken(msgspec.Struct, frozen=True, tag="session_taken"):
    """Another worker owns a session since `epoch`: whoever owned it before lets go of it.

    Only the faster way: what a former owner writes is refused, whether it has heard of this or not.
    """

    session_id: str
    epoch: int


class WishFor(msgspec.Struct, frozen=True, tag="wish_for"):
    """An operator wants something of a worker; only the faster way, `Workers.beat` says it too."""

    worker: str
    wish: Wish


ControlMessage: TypeAlias = EndSession | SessionTaken | WishFor


class ControlChannel:
    """Sends to all workers, this one included; who isn't there misses it."""

    def __init__(self, state: SharedState) -> None:
        self._state = state

    async def send(self, message: ControlMessage) -> None:
        """Tell all workers.

        Raises:
            StateUnavailable: If Redis can't be asked.
        """
        async with self._state.asking() as redis:
            await redis.publish(CHANNEL, msgspec.json.encode(message).decode())

    async def receive(self) -> AsyncGenerator[ControlMessage]:
        """Listen until cancelled.

        Raises:
            StateUnavailable: If the connection breaks; listen again then.
        """
        subscription = self._state.redis.pubsub(ignore_subscribe_messages=True)
        try:
            async with self._state.asking():
                await subscription.subscribe(CHANNEL)
            while True:
                async with self._state.asking():
                    told = await subscription.get_message(timeout=1.0)
                if told is not None and (message := _decode(told["data"])) is not None:
                    yield message
        finally:
            try:
                async with self._state.asking():
                    await subscription.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it so
            except StateUnavailable:
                pass


_decoder: Final[msgspec.json.Decoder[ControlMessage]] = msgspec.json.Decoder(ControlMessage)


def _decode(text: str) -> ControlMessage | None:
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError:
        # A newer worker may say what this one doesn't know.
        _log.warning("control message not understood")
        return None
