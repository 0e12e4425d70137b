"""What comes from the client: when it may be taken, and its way into the feed."""

import asyncio
from collections.abc import Callable
from typing import Final

from relay.audio.arrival import HEADSTART
from relay.audio.chain import AudioChain
from relay.audio.gathering import Gathering
from relay.audio.health import Ailment, AudioHealth, Finding
from relay.audio.pcm import Int16, NonFinite, PartialFrame
from relay.audio.timeline import Timeline
from relay.bridge_config import BridgeConfig, Start
from relay.downstream.dialect import CommittedAudio, Input, IntroducedAudio
from relay.errors import InputError, InvalidRequest
from relay.limits.terms import CATCH_UP, Terms
from relay.protocol.messages import Commit, Format, Mute
from relay.recording.recorder import Recording
from relay.scribe.parameters import Parameters
from relay.upstream.feed import Feed
from relay.upstream.ledger import Cause, Ledger

MESSAGE_PRICE: Final = 0.3
"""Seconds of audio that a text message counts as. A commit may cost that much silence at the
provider, and nobody needs so many of them that it would be felt."""

SIGN_OF_LIFE_PRICE: Final = 0.02
"""Seconds of audio that a message counts as which asks for nothing, like the empty chunks by which
some clients keep their line. It costs the provider nothing, but a flood of them costs us."""

MESSAGES_AT_ONCE: Final = 64
"""Messages of one client that are taken before others get a turn: a flood of tiny ones, which
arrive in one piece, would else stall everybody."""

MAX_PIECES: Final = 1000
"""Changes of rate in one session, and gaps in its audio, over all its connections and workers. Each
costs memory, and no device is changed so often."""


class Intake:
    """Takes a client's audio and commits in: no sooner than allowed, no faster than agreed."""

    def __init__(
        self,
        start: Start,
        ledger: Ledger,
        parameters: Parameters,
        terms: Terms,
        config: BridgeConfig,
        *,
        found: Callable[[Finding], None],
        refused: Callable[[InputError], None],
        recording: Recording | None = None,
    ) -> None:
        """Go on at `start`, and fill `ledger`.

        Args:
            start: Where the session begins here.
            ledger: To be filled.
            parameters: Granted to the session.
            terms: What it may use.
            config: The relay's.
            found: Told what is wrong with the sound.
            refused: Told of audio that can't be used; its length counts all the same.
            recording: Given what was heard, if the session is recorded.
        """
        self._chain = start.chain
        self._recording = recording
        self._ledger = ledger
        self._feed = Feed.build(
            ledger,
            parameters,
            wire_format=config.wire_format,
            chunk_ms=config.chunk_ms,
            quiet=config.quiet_seconds,
        )
        self._terms = terms
        self._found = found
        self._refused = refused
        self._rate = config.wire_format.rate
        self._gathering = Gathering(config.chunk_ms / 1000)
        self._ready_at = 0.0
        self._health = AudioHealth(
            self._chain.timeline.pieces[-1].rate_in,
            rate=config.wire_format.rate,
            kept=CATCH_UP + HEADSTART if start.first_seq else HEADSTART,
            takes_recordings=terms.takes_recordings,
        )
        self._came_at = 0.0
        self._now = asyncio.get_running_loop().time
        self._next_rate: int | None = None
        self._messages = 0
        self._is_closed = False
        self._room = asyncio.Event()
        self._allowed = asyncio.Event()
        # What no owner before this one received either: samples come out of what was received.
        begin = max(start.covered, self._chain.frames_received)
        heard = self._chain.position / config.wire_format.rate
        self._left_out = self._chain.timeline.seconds_of_frame(begin) - heard

    @property
    def chain(self) -> AudioChain:
        """The client's clock."""
        return self._chain

    @property
    def frames(self) -> int:
        """The client's frames so far."""
        self.settle()
        return self._chain.frames_received

    @property
    def seconds(self) -> float:
        """Of audio that came, without what was left out.

        What waits is counted and not worked on: this is asked for while a message gets its number,
        and what is found in the sound would take that.
        """
        worked_on = self._chain.timeline.seconds_of_frame(self._chain.frames_received)
        return worked_on + self._gathering.seconds - self._left_out

    @property
    def ailments(self) -> tuple[Ailment, ...]:
        """What is wrong with the sound now."""
        return self._health.ailments

    @property
    def committed(self) -> int:
        """Position of the last commit, as its final has it."""
        self.settle()
        return self._feed.committed

    @property
    def uncommitted(self) -> int:
        """Samples since the last commit."""
        self.settle()
        return self._feed.uncommitted

    def price(self, message: Input) -> float:
        """Seconds of audio that a message counts as."""
        match message:
            case bytes():
                return self._chain.seconds_of(message)
            case CommittedAudio(audio):
                return max(self._chain.seconds_of(audio), MESSAGE_PRICE)
            case IntroducedAudio(audio):
                return self.price(audio)
            case None:
                return SIGN_OF_LIFE_PRICE
            case _:
                return MESSAGE_PRICE

    async def until_free(self) -> None:
        """Look at no further message before that is due which was taken without waiting."""
        if (delay := self._ready_at - self._now()) > 0:
            await asyncio.sleep(delay)
        await self._until_room()

    async def until_allowed(self, message: Input, seconds: float) -> None:
        """Take no audio that isn't reserved; messages that steer the session need none."""
        self._came_at = self._now()
        if self._is_closed or not isinstance(message, bytes | CommittedAudio | IntroducedAudio):
            return
        self._terms.expect(seconds)
        while self._terms.must_wait and not self._is_closed:
            self._health.interrupt()
            self._allowed.clear()
            await self._allowed.wait()

    def take_now(self, message: bytes) -> bool:
        """Take in a message of audio if nothing is to be waited for before; whether it was.

        Raises:
            InvalidRequest: If the session can't go on after it.
        """
        now = self._now()
        if self._is_closed or self._ledger.is_full or now < self._ready_at:
            return False
        if not message:
            return False  # a sign of life, and nothing to take
        seconds = self._chain.seconds_of(message)
        delay = self._terms.take_now(seconds, now)
        if delay is None:
            return False
        self._came_at = now
        self._ready_at = now + delay
        self._take_audio(message, seconds)
        return True

    def take(self, message: Input) -> None:
        """Take in one message, unless the session takes no more by now.

        Raises:
            InvalidRequest: If the session can't go on after it.
        """
        if self._is_closed:
            return
        if isinstance(message, bytes):
            self._take_audio(message, self._chain.seconds_of(message))
            return
        self.settle()
        match message:
            case IntroducedAudio(audio):
                self.take(audio)
            case CommittedAudio(audio):
                try:
                    self._push(audio)
                finally:
                    self._feed.commit(Cause.CLIENT)
            case Format(sample_rate):
                self._next_rate = None
                self._change_rate(sample_rate)
            case Commit():
                self._feed.commit(Cause.CLIENT)
            case Mute():
                self._health.pause()
                if self._feed.uncommitted:
                    self._feed.commit(Cause.CLIENT)
            case _:
                pass  # audio says as well that it comes again

    async def until_ready(self, seconds: float) -> None:
        """Read no further before there is room, and before it is time."""
        self._messages += 1
        if self._messages % MESSAGES_AT_ONCE == 0:
            await asyncio.sleep(0)
        if (delay := self._terms.take(seconds, self._now())) > 0:
            await asyncio.sleep(delay)
        await self._until_room()

    async def _until_room(self) -> None:
        if self._ledger.is_full:
            self._health.interrupt()
            self._room.clear()
            await self._room.wait()

    @property
    def is_waiting(self) -> bool:
        """Whether it is us who don't listen to the client."""
        return self._ledger.is_full or self._terms.must_wait

    def go_on(self) -> None:
        """Let what waits be taken, where there is room and leave by now."""
        if not self._ledger.is_full:
            self._room.set()
        if not self._terms.must_wait:
            self._allowed.set()

    def come_back(self, sample_rate: int) -> None:
        """Expect this rate from the next audio on: the client may have taken another device.

        Raises:
            InvalidRequest: If that was done too often.
        """
        self.settle()
        check_pieces(self._chain.timeline)
        self._next_rate = sample_rate

    def leave_out(self, until: int) -> None:
        """Go on at this frame, since the client doesn't hold those before it any more."""
        begin = self._chain.timeline.seconds_of_frame(self.frames)  # which settles
        self._hand_on(self._chain.skip_to(until))
        self._left_out += self._chain.timeline.seconds_of_frame(until) - begin
        if self._feed.uncommitted:
            self._feed.commit(Cause.RELAY)  # nothing spans what is missing

    def commit(self) -> None:
        """End the segment, for the relay's own reasons."""
        self.settle()
        self._feed.commit(Cause.RELAY)

    def hurry(self) -> None:
        """End the segment at the next pause."""
        self.settle()
        self._feed.hurry()

    def flush(self) -> None:
        """Send what waits for a full chunk: no more will come for now."""
        self.settle()
        self._feed.flush()

    def close(self) -> None:
        """Take nothing more."""
        self.settle()
        self._is_closed = True
        self._allowed.set()  # what would have to be reserved isn't taken any more

    def end(self) -> None:
        """Take nothing more, and end the last segment."""
        self.close()
        self._hand_on(self._chain.flush())
        self._feed.end()

    def settle(self) -> None:
        """Work on all that came, also where it makes no chunk yet."""
        if self._gathering:
            self._work_on_all(self._gathering.take())

    def _work_on_all(self, messages: list[bytes]) -> None:
        """Work on messages of audio at once; what is wrong with one of them is found apart."""
        try:
            self._work_on(messages[0] if len(messages) == 1 else b"".join(messages))
        except NonFinite:
            for message in messages:
                self._push(message)

    def _take_audio(self, audio: bytes, seconds: float) -> None:
        """Work on audio at once, or with what comes next if it can't be sent before that anyway.

        Each step of the work has a price for being called at all, which is most of the price of a
        short message. Where voice activity may end a segment, nothing waits.
        """
        if self._feed.listens or self._next_rate is not None or self._chain.is_partial(audio):
            self.settle()
            self._push(audio)
        elif messages := self._gathering.add(audio, seconds):
            self._work_on_all(messages)

    def _push(self, audio: bytes) -> None:
        if self._next_rate is not None:
            rate, self._next_rate = self._next_rate, None
            self._change_rate(rate)
        try:
            self._work_on(audio)
        except NonFinite as error:
            self._hand_on(self._chain.push_silence(error.frames))
            self._refused(InputError(f"{error}."))

    def _work_on(self, audio: bytes) -> None:
        try:
            samples = self._chain.push(audio)
        except PartialFrame as error:
            # The client's count and ours differ from here on: no position would be true.
            raise InvalidRequest(f"{error}.") from error
        self._hand_on(samples)
        self._gathering.worked_on(held=self._chain.held, pending=self._feed.pending / self._rate)
        for finding in self._health.hear(samples, self._chain.seconds_of(audio), self._came_at):
            self._found(finding)

    def _change_rate(self, sample_rate: int) -> None:
        self._health.declare(sample_rate)
        self._hand_on(self._chain.change_rate(sample_rate))
        check_pieces(self._chain.timeline)

    def _hand_on(self, samples: Int16) -> None:
        """Take in what has come out of the chain last."""
        if self._recording is not None and samples.size:
            at = self._chain.timeline.sample_at(self._chain.position - samples.size)
            self._recording.take(at, samples)
        self._feed.push(samples)


def check_pieces(timeline: Timeline) -> None:
    """Check that a session's rate may change once more.

    Raises:
        InvalidRequest: If not.
    """
    if len(timeline) > MAX_PIECES:
        raise InvalidRequest(
            f"The rate was changed more than {MAX_PIECES} times; start a new session."
        )
