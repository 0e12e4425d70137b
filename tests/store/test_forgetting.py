"""What deleting leaves in SQLite's files."""

from pathlib import Path

from relay.store import Database
from relay.store.erasure import Erasure
from relay.store.segments import Segments
from tests.store.test_transcripts import record, said


async def test_no_byte_of_it_stays_in_the_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/relay.db")
    await database.start()
    await Segments(database).record(
        [record(said=said(number, f"xylophone{number} secretly")) for number in range(50)]
    )
    await Erasure(database).delete("s1", None)
    await database.forget_deleted()
    await database.aclose()
    assert not stays_in(tmp_path, b"xylophone")
    assert not stays_in(tmp_path, b"secretly")


def stays_in(folder: Path, word: bytes) -> bool:
    return any(word in path.read_bytes() for path in folder.iterdir())
