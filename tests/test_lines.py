"""Whose answers count when, with two sockets at once."""

import structlog

from relay.audio.pcm import WireFormat
from relay.lines import Line, Lines
from relay.scribe.messages import CommittedTranscript, SessionStarted
from relay.upstream.finals import Final
from relay.upstream.history import History
from relay.upstream.ledger import Cause, Ledger
from relay.upstream.session import UpstreamSession

RATE = 16_000


class Socket:
    """An open one, until it is closed."""

    is_writable = True

    def __init__(self) -> None:
        self.is_closed = False

    def send(self, message: bytes) -> None:
        pass

    async def aclose(self) -> None:
        self.is_closed = True

    def abandon(self) -> None:
        self.is_closed = True


class Host:
    """Nobody."""

    def uplink_moved(self) -> None:
        pass

    def uplink_crashed(self, error: Exception) -> None:
        raise error


class Talk:
    """Lines over one ledger, and what a provider says on them."""

    def __init__(self) -> None:
        self.ledger = Ledger(bound=60 * RATE)
        self.history = History()
        self.lines = Lines(self._line)
        self.start(self.lines.current)

    def _line(self) -> Line:
        session = UpstreamSession(
            self.ledger,
            wire_format=WireFormat.PCM_16000,
            is_timed=False,
            commit_timeout=5.0,
            seconds_at=lambda position: position / RATE,
            redact=str,
            history=self.history,
        )
        return Line(session, Host(), clock=lambda: 0.0, log=structlog.get_logger())

    def start(self, line: Line) -> None:
        line.upstream_message(SessionStarted("abc"))
        line.session.events_received()

    def speak(self) -> None:
        """Send a segment of half a second on the current line."""
        self.ledger.append(bytes(RATE), RATE // 2, Cause.CLIENT)
        while self.lines.current.session.message_to_send(0.0) is not None:
            pass

    def answer(self, line: Line, text: str) -> None:
        line.upstream_message(CommittedTranscript(text))

    def finals(self, line: Line) -> list[tuple[str, int]]:
        """What came on a line, and the position it covers."""
        return [
            (event.fields["text"], event.commit.position)
            for event in line.session.events_received()
            if isinstance(event, Final)
        ]


def test_a_final_of_the_new_socket_waits_for_those_of_the_old_one() -> None:
    talk = Talk()
    talk.speak()
    old, new = talk.lines.current, talk.lines.new_ahead()
    talk.start(new)
    talk.lines.swap()
    talk.speak()
    talk.answer(new, "second")
    assert not talk.lines.part()
    assert talk.finals(new) == []
    talk.answer(old, "first")
    assert talk.finals(old) == [("first", RATE // 2)]
    assert talk.lines.part()
    assert talk.finals(new) == [("second", RATE)]
    assert talk.lines.is_settled


def test_a_final_too_many_of_the_old_socket_answers_no_commit_of_the_new_one() -> None:
    talk = Talk()
    talk.speak()
    old, new = talk.lines.current, talk.lines.new_ahead()
    talk.start(new)
    talk.lines.swap()
    talk.speak()
    talk.answer(old, "first")
    talk.answer(old, "out of turn")
    assert talk.finals(old) == [("first", RATE // 2)]
    talk.lines.part()
    assert talk.ledger.unanswered == 1


def test_a_late_final_of_a_socket_that_was_given_up_answers_nothing() -> None:
    talk = Talk()
    talk.speak()
    old = talk.lines.current
    talk.ledger.rewind()
    talk.lines.replace()
    talk.start(talk.lines.current)
    while talk.lines.current.session.message_to_send(0.0) is not None:
        pass
    talk.answer(old, "late")
    assert talk.finals(old) == []
    assert talk.ledger.unanswered == 1
    talk.answer(talk.lines.current, "in time")
    assert talk.finals(talk.lines.current) == [("in time", RATE // 2)]


async def test_a_session_that_ends_closes_the_sockets_that_have_just_gone_too() -> None:
    talk = Talk()
    sockets = [Socket() for _ in range(3)]
    for socket in sockets:
        talk.lines.current.connection = socket
        if socket is sockets[0]:
            talk.lines.swap()
            assert talk.lines.part()
        elif socket is sockets[1]:
            talk.lines.rest()
    await talk.lines.aclose()
    assert [socket.is_closed for socket in sockets] == [True] * 3
