"""The folder of recordings, and of the parts that aren't joined yet.

    open/<session>.<owner>.<epoch>.<start>.flac    parts, of sessions that go on or have just ended
    3f/3f6c….<owner>.flac                          recordings, by the first digits of their session
    database.<id>                                  whose sweeps it is, for each database

Everything here may be done by several processes at once, and may stop anywhere: parts are deleted
only when the recording has them, and joining a part that it has changes nothing.
"""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from relay.audio.pcm import Int16
from relay.recording.flac import Flac, is_intact, length_of, read_blocks, read_info, silence
from relay.recording.parts import Name, Part, Stretch, lay_over, owner_of

OPEN: Final = "open"

JOINING: Final = ".joining"
"""The end of the name of a file that is being made."""

JOINED_WITHIN: Final = 600.0
"""Seconds after which nobody is joining any more who has written nothing; a day of audio takes
half a minute."""

_MARK: Final = re.compile(r"database\.([0-9a-f]{32})")

_log: Final = structlog.get_logger("relay.recording")


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording that can be heard."""

    path: Path
    rate: int
    """In Hz."""
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


class Shelf:
    """Recordings in a folder; all methods wait for the disk, so none is for the event loop."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when something is recorded."""
        self.folder = folder
        self._open = folder / OPEN

    def path_of(self, part: Part) -> Path:
        """Where a part is written; its folder is there then.

        Raises:
            OSError: If it can't be made.
        """
        self._open.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._open / part.file

    def find(self, session_id: str, account: str) -> Audio | None:
        """The recording of a session that is over; None where there is none.

        Raises:
            OSError: If the folder can't be read.
        """
        path = self._path(Name(session_id, owner_of(account)))
        info = None if path is None else read_info(path)
        if path is None or info is None or not info.samples:
            return None
        return Audio(path, info.rate, info.samples)

    def has(self, name: Name) -> bool:
        """Whether there is a recording, of a session that may go on all the same."""
        path = self._path(name)
        return path is not None and path.exists()

    def parts(self) -> dict[Name, float]:
        """The sessions that have parts, and when these were last written, in seconds since 1970."""
        found: dict[Name, float] = {}
        for part, path in self._parts():
            with suppress(FileNotFoundError):
                found[part.name] = max(found.get(part.name, 0.0), path.stat().st_mtime)
        return found

    def everything(self) -> dict[Name, float]:
        """The sessions that have parts or a recording, and when these were last written."""
        found = self.parts()
        for folder in _files(self.folder):
            for path in _files(folder):
                name = Name.parse(path.name.removesuffix(JOINING))
                if name is not None:
                    with suppress(FileNotFoundError):
                        found[name] = max(found.get(name, 0.0), path.stat().st_mtime)
        return found

    # Whose it is.

    def marks(self) -> dict[str, int | None]:
        """The ids of the databases whose folder it is, and how far each had come by its sweeps.

        Nobody knows that of a mark which was written in part.

        Raises:
            OSError: If the folder can't be read.
        """
        found: dict[str, int | None] = {}
        for path in _files(self.folder):
            if mark := _MARK.fullmatch(path.name):
                text = path.read_text(errors="replace")
                found[mark[1]] = int(text) if text.strip().isdecimal() else None
        return found

    def mark(self, database_id: str, sweeps: int) -> None:
        """Say that it is a database's, and how far that has come.

        Raises:
            OSError: If the disk doesn't take it.
        """
        self.mark_of(database_id).write_text(f"{sweeps}\n")

    def mark_of(self, database_id: str) -> Path:
        """Where that is written."""
        return self.folder / f"database.{database_id}"

    # Deleting.

    def delete(self, session_ids: Collection[str]) -> int:
        """Delete recordings and parts of these sessions; whoever writes them stops.

        Returns:
            How many files there were.

        Raises:
            OSError: If one can't be deleted.
        """
        wanted = {session_id for session_id in session_ids if _is_id(session_id)}
        if not wanted:
            return 0
        paths = [path for part, path in self._parts() if part.name.session_id in wanted]
        # Those that are being made as well, so that they come to nothing.
        for prefix in {session_id[:2] for session_id in wanted}:
            files = _files(self.folder / prefix)
            paths += [path for path in files if path.name.partition(".")[0] in wanted]
        return _delete(paths)

    def delete_account(self, account: str) -> int:
        """Delete everything of an account, also what the database never heard of.

        Returns:
            How many files there were.

        Raises:
            OSError: If one can't be deleted.
        """
        owner = owner_of(account)
        paths = [path for part, path in self._parts() if part.name.owner == owner]
        for folder in _files(self.folder):
            paths += [path for path in _files(folder) if f".{owner}." in path.name]
        return _delete(paths)

    # Joining.

    def join(self, name: Name) -> bool:
        """Make one recording of a session's parts, over what it has already.

        Returns:
            Whether there is one now that wasn't before.

        Raises:
            OSError: If the disk doesn't take it; the parts stay.
        """
        parts = sorted(part for part, _ in self._parts() if part.name == name)
        recording = self._path(name)
        if not parts or recording is None:
            return False
        recording.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = [self._open / part.file for part in parts]
        with suppress(FileNotFoundError):  # somebody else has joined or deleted them meanwhile
            info = read_info(paths[0])
            is_all = len(parts) == 1 and parts[0].start == 0 and not recording.exists()
            if is_all and info and info.samples and is_intact(paths[0], info.samples):
                paths[0].rename(recording)
                return True
            return self._join(parts, paths, recording)
        return False

    def _join(self, parts: Sequence[Part], paths: Sequence[Path], recording: Path) -> bool:
        target = recording.with_name(f"{recording.name}{JOINING}")
        if _is_being_made(target):
            return False
        layers = [
            (0, recording),
            *((part.start, path) for part, path in zip(parts, paths, strict=True)),
        ]
        spans = [(start, start + length_of(path)) for start, path in layers]
        rates = [info.rate for _, path in layers if (info := read_info(path)) and info.rate]
        plan = lay_over(spans)
        if not plan:
            _delete(paths)  # a worker died before it had written anything
            return False
        try:
            with Flac(target, rates[-1]) as file:
                for block in _laid(plan, [path for _, path in layers]):
                    file.write(block)
        except FileExistsError:
            return False
        except OSError:
            target.unlink(missing_ok=True)
            raise
        target.replace(recording)
        _delete(paths)
        return True

    def _parts(self) -> list[tuple[Part, Path]]:
        found = ((Part.parse(path.name), path) for path in _files(self._open))
        return [(part, path) for part, path in found if part is not None]

    def _path(self, name: Name) -> Path | None:
        if not _is_id(name.session_id):
            return None
        return self.folder / name.session_id[:2] / name.file


def _laid(plan: Sequence[Stretch], paths: Sequence[Path]) -> Iterator[Int16]:
    """Read what a plan says; each layer from its begin to its end, and once."""
    readers = [_Reader(path) for path in paths]
    with ExitStack() as stack:
        for reader in readers:
            stack.callback(reader.close)
        for stretch in plan:
            if stretch.layer is None:
                yield from silence(stretch.length)
            else:
                yield from readers[stretch.layer].read(stretch.offset, stretch.length)


class _Reader:
    """Reads stretches of one file, each behind the one before it: nobody can seek in a torn one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blocks = read_blocks(path)
        self._block: Int16 | None = None
        self._begin = 0
        """Of the block that was read last."""
        self._is_torn = False

    def read(self, offset: int, length: int) -> Iterator[Int16]:
        """Read a stretch; what its head promises and the file has lost is silence.

        Raises:
            FileNotFoundError: If somebody has deleted it meanwhile.
        """
        end = offset + length
        while offset < end:
            if self._block is None or offset >= self._begin + self._block.size:
                self._begin += 0 if self._block is None else self._block.size
                self._block = next(self._blocks, None)
                if self._block is None:
                    self._path.stat()
                    self._tell_of_loss(end - self._begin)
                    yield from silence(end - offset)
                    return
                continue
            block = self._block[offset - self._begin : end - self._begin]
            yield block
            offset += block.size

    def _tell_of_loss(self, samples: int) -> None:
        if not self._is_torn:
            self._is_torn = True
            _log.warning(
                "a part of a recording is damaged, and silent from there on",
                file=self._path.name,
                samples=samples,
            )

    def close(self) -> None:
        self._blocks.close()


def _is_being_made(target: Path) -> bool:
    """Whether somebody is writing it; what somebody left who was killed is deleted."""
    try:
        written_at = target.stat().st_mtime
    except FileNotFoundError:
        return False
    if time.time() - written_at < JOINED_WITHIN:
        return True
    target.unlink(missing_ok=True)
    return False


def _is_id(session_id: str) -> bool:
    return Name.parse(Name(session_id, "0" * 16).file) is not None


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _delete(paths: Collection[Path]) -> int:
    count = 0
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
            count += 1
    return count
