"""Writes what sessions hear, in a thread of its own, so that no disk delays them.

What waits for the disk is bounded: beyond that, audio is left out of its recording, never held up.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

import numpy as np
import structlog

from relay.audio.pcm import Int16
from relay.meter import Meter
from relay.recording.flac import Flac
from relay.recording.parts import Name, Part, owner_of
from relay.recording.shelf import Shelf

MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Of a worker's audio that waits for the disk: 5 s of 400 sessions at 16 kHz."""

RETRY_INTERVAL: Final = 10.0
"""Seconds after which a recording that the disk didn't take is tried again, from there on."""

PADDED: Final = 1.0
"""Seconds of a gap that become silence in the file; after a longer one another part begins."""

_log: Final = structlog.get_logger("relay.recording")


class Worker:
    """A thread that does one thing after the other, and holds up nobody's exit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, task: Callable[[], None]) -> None:
        """Do `task` when all before it is done; what it raises is logged."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def finish(self, timeout: float) -> bool:
        """Wait for all tasks so far; False if that would take longer."""
        done = threading.Event()
        if self._thread is not None:
            self.submit(done.set)
        return self._thread is None or done.wait(timeout)

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except Exception as error:
                _log.error("a recording is faulty", exc_info=error)


class Recorder:
    """Records the sessions of one worker."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        meter: Meter,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        retry_interval: float = RETRY_INTERVAL,
    ) -> None:
        """Write into `shelf`."""
        self.shelf = shelf
        self.retry_interval = retry_interval
        self._meter = meter
        self._max_waiting_bytes = max_waiting_bytes
        self._writing, self._joining = Worker("record"), Worker("join recordings")
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._is_behind = False
        self._say_again_at = 0.0

    def begin(self, session_id: str, account: str, *, epoch: int, rate: int) -> "Recording":
        """Record a session, or go on with one that was another worker's.

        Args:
            session_id: Whose parts these are.
            account: Whose recording it will be.
            epoch: Of this worker's ownership of the session.
            rate: Of its samples, in Hz.
        """
        return Recording(self, Name(session_id, owner_of(account)), epoch, rate)

    def finish(self, timeout: float) -> bool:
        """Wait for what has ended; False if that would take longer. Not for the event loop."""
        return self._writing.finish(timeout) and self._joining.finish(timeout)

    def write(self, track: "Track", at: int, samples: list[Int16], count: int) -> None:
        """Hand samples to the thread, unless too many wait already."""
        size = 2 * count
        with self._lock:
            is_too_much = self._waiting_bytes + size > self._max_waiting_bytes
            if not is_too_much:
                self._waiting_bytes += size
        if is_too_much:
            self._meter.recording_lost("slow", count / track.rate)
            if not self._is_behind:
                _log.warning("the disk is too slow: audio is left out of recordings")
            self._is_behind = True
            return
        if self._is_behind and self._waiting_bytes < self._max_waiting_bytes // 2:
            self._is_behind = False

        def work() -> None:
            try:
                track.write(at, np.concatenate(samples))
            finally:
                with self._lock:
                    self._waiting_bytes -= size

        self._writing.submit(work)

    def end(self, track: "Track", *, is_over: bool) -> None:
        """Close what a session has written; join it where the session is over."""

        def work() -> None:
            track.close()
            if is_over:
                self._joining.submit(lambda: self._join(track.name))

        self._writing.submit(work)

    def recorded(self, seconds: float) -> None:
        """Count what is in a file."""
        self._meter.recorded(seconds)

    def failed(self, error: OSError, session_id: str) -> None:
        """Say that the disk doesn't take audio: of one session for all, and now and then."""
        now = time.monotonic()
        if now < self._say_again_at:
            return
        self._say_again_at = now + self.retry_interval
        _log.error("audio can't be recorded", session_id=session_id, text=str(error))

    def lost(self, seconds: float) -> None:
        """Count what the disk didn't take."""
        self._meter.recording_lost("disk", seconds)

    def _join(self, name: Name) -> None:
        try:
            self.shelf.join(name)
        except OSError as error:
            _log.error("a recording can't be joined now", session_id=name[0], text=str(error))


class Recording:
    """What one session hands over, from the event loop. Nothing here waits."""

    def __init__(self, recorder: Recorder, name: Name, epoch: int, rate: int) -> None:
        self._recorder = recorder
        self._track = Track(recorder, name, epoch, rate)
        self._at = self._count = 0
        self._samples: list[Int16] = []
        self._has_ended = False

    def take(self, at: int, samples: Int16) -> None:
        """Record samples, the first of which stands at `at` on the session's time.

        They must stay as they are; `flush` now and then, since until then they are kept here.
        """
        if self._has_ended or not samples.size:
            return
        if at != self._at + self._count:
            self.flush()
        if not self._samples:
            self._at = at
        self._samples.append(samples)
        self._count += samples.size

    def flush(self) -> None:
        """Hand on what came."""
        if self._samples:
            self._recorder.write(self._track, self._at, self._samples, self._count)
            self._at += self._count
            self._samples, self._count = [], 0

    def end(self, *, is_over: bool) -> None:
        """Record nothing more; `is_over` says that nobody else will either."""
        if not self._has_ended:
            self.flush()
            self._recorder.end(self._track, is_over=is_over)
        self._has_ended = True


class Track:
    """What the thread knows of a session: its file."""

    def __init__(self, recorder: Recorder, name: Name, epoch: int, rate: int) -> None:
        self.name = name
        self.rate = rate
        self._recorder = recorder
        self._epoch = epoch
        self._file: Flac | None = None
        self._end = 0
        """Of what is in the file, on the session's time."""
        self._is_deleted = False
        self._retry_at = 0.0

    def write(self, at: int, samples: Int16) -> None:
        """Write samples, and silence before them where some are missing."""
        if self._is_deleted:
            return
        if self._file is None and time.monotonic() < self._retry_at:
            self._recorder.lost(samples.size / self.rate)
            return
        try:
            self._write(at, samples)
        except OSError as error:
            self._recorder.lost(samples.size / self.rate)
            self._recorder.failed(error, self.name.session_id)
            self._retry_at = time.monotonic() + self._recorder.retry_interval
            self.close()

    def close(self) -> None:
        """End the file, if there is one."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            self._recorder.failed(error, self.name.session_id)

    def _write(self, at: int, samples: Int16) -> None:
        if self._file is not None and self._file.is_deleted:
            self.close()
            # Joined by somebody who took the session for over; or else its transcript was deleted,
            # and with it whatever else is said in this session.
            self._is_deleted = not self._recorder.shelf.has(self.name)
            if self._is_deleted:
                return
        if self._file is not None and at > self._end + PADDED * self.rate:
            self.close()
        if self._file is None:
            part = Part(self.name, self._epoch, at)
            self._file, self._end = Flac(self._recorder.shelf.path_of(part), self.rate), at
        if at > self._end:
            self._file.write(np.zeros(at - self._end, np.int16))
            self._end = at
        fresh = samples[self._end - at :]  # pieces of a timeline may overlap by a sample
        if fresh.size:
            self._file.write(fresh)
            self._end += fresh.size
        self._recorder.recorded(fresh.size / self.rate)
