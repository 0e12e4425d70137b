"""How the workers of one host know of each other's values: a folder with a file of each.

A worker holds a lock for as long as it lives, which the kernel takes from it however it ends. Who
finds a lock free adds what its worker had counted to what all that have ended had, and removes
its files, so that nothing piles up and a process id that comes again deceives nobody.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from relay.metrics.values import Key, Values, decode, encode, lasting, merge


@dataclass(frozen=True)
class Others:
    """What the other workers have."""

    live: list[dict[Key, float]]
    departed: dict[Key, float]
    """Of all that have ended, together."""
    stillest: float
    """Seconds for which one of them has written nothing, at most."""


class Exchange:
    """One worker's place in the folder; its methods block for as long as files take."""

    def __init__(self, folder: Path) -> None:
        """Take a place; `folder` exists.

        Raises:
            OSError: If nothing can be written there.
        """
        self._folder = folder
        self._name = secrets.token_hex(8)
        # Under the lock of all: else one that looks could find this worker's still free.
        with self._alone():
            self._lock = self._path("lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def publish(self, values: Values, now: float) -> None:
        """Let others know of this worker's values.

        Raises:
            OSError: If they can't be written.
        """
        _replace(self._path("values"), encode(values, now))

    def others(self, now: float) -> Others:
        """Look at what the others have; `now` by the machine's monotonic clock.

        Raises:
            OSError: If the folder can't be read.
        """
        with self._alone():
            live, stillest = [], 0.0
            for lock in sorted(self._folder.glob("*.lock")):
                if lock.stem == self._name:
                    continue
                if _is_free(lock):
                    self._bury(lock)
                elif (found := _read(lock.with_suffix(".values"))) is not None:
                    live.append(found[0])
                    stillest = max(stillest, now - found[1])
            departed = _read(self._departed)
            return Others(live, {} if departed is None else departed[0], stillest)

    def close(self) -> None:
        """Leave; what was published last is kept as that of a worker that has ended."""
        self._lock.close()

    @property
    def _departed(self) -> Path:
        return self._folder / "departed"

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}.{suffix}"

    def _bury(self, lock: Path) -> None:
        values = lock.with_suffix(".values")
        if (found := _read(values)) is not None:
            departed = _read(self._departed)
            parts = [] if departed is None else [departed[0]]
            _replace(self._departed, encode(merge([*parts, lasting(found[0])]), 0.0))
            values.unlink()
        lock.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "all").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _is_free(lock: Path) -> bool:
    file: IO[str]
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _read(path: Path) -> tuple[dict[Key, float], float] | None:
    with suppress(FileNotFoundError, msgspec.MsgspecError):
        return decode(path.read_bytes())
    return None  # it has published nothing yet


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that whoever reads it finds all of the old or all of the new."""
    new = path.with_suffix(f"{path.suffix}.new")
    new.write_bytes(data)
    os.replace(new, path)
