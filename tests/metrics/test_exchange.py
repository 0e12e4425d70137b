"""Workers know of each other's values, and of their ends, however those come."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from relay.metrics import Exchange
from relay.metrics.exchange import Others
from relay.metrics.values import Key

STARTED = Key("relay_sessions_started_total", "relay_sessions_started_total", (("kind", "new"),))
OPEN = Key("relay_sessions", "relay_sessions", (("state", "open"),))


def test_the_others_are_those_that_live_and_have_published(tmp_path: Path) -> None:
    one, other, silent = Exchange(tmp_path), Exchange(tmp_path), Exchange(tmp_path)
    one.publish({STARTED: 1.0}, 10.0)
    other.publish({STARTED: 2.0, OPEN: 1.0}, 12.0)
    assert one.others(14.0) == Others([{STARTED: 2.0, OPEN: 1.0}], {}, 2.0)
    found = silent.others(14.0)
    assert len(found.live) == 2
    assert found.stillest == 4.0
    for exchange in (one, other, silent):
        exchange.close()


def test_what_was_published_last_counts(tmp_path: Path) -> None:
    one, other = Exchange(tmp_path), Exchange(tmp_path)
    other.publish({STARTED: 2.0}, 12.0)
    other.publish({STARTED: 3.0}, 13.0)
    assert one.others(13.0) == Others([{STARTED: 3.0}], {}, 0.0)
    one.close()
    other.close()


def test_what_those_that_ended_had_counted_stays_and_their_files_go(tmp_path: Path) -> None:
    one = Exchange(tmp_path)
    for number in range(3):
        other = Exchange(tmp_path)
        other.publish({STARTED: 2.0, OPEN: 1.0}, float(number))
        other.close()
    for _ in range(2):
        assert one.others(60.0) == Others([], {STARTED: 6.0}, 0.0)
    Exchange(tmp_path).close()  # and one that never published
    assert one.others(60.0) == Others([], {STARTED: 6.0}, 0.0)
    assert len(list(tmp_path.iterdir())) == 3  # its own lock, everybody's, and what has ended
    one.close()


PUBLISH_AND_HANG = """
import sys, time
from pathlib import Path
from relay.metrics import Exchange
from relay.metrics.values import Key
exchange = Exchange(Path(sys.argv[1]))
exchange.publish({Key(*["relay_sessions"] * 2, (("state", "open"),)): 5.0,
                  Key(*["relay_sessions_started_total"] * 2, (("kind", "new"),)): 7.0}, 0.0)
print("published", flush=True)
time.sleep(60)
"""


def test_a_worker_that_is_killed_is_known_to_be_dead(tmp_path: Path) -> None:
    one = Exchange(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", PUBLISH_AND_HANG, str(tmp_path)], stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"published\n"
        assert one.others(0.0) == Others([{OPEN: 5.0, STARTED: 7.0}], {}, 0.0)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert one.others(0.0) == Others([], {STARTED: 7.0}, 0.0)
    one.close()


def test_several_that_look_at_once_bury_nobody_twice(tmp_path: Path) -> None:
    lookers = [Exchange(tmp_path) for _ in range(4)]
    for _ in range(20):
        dead = Exchange(tmp_path)
        dead.publish({STARTED: 1.0}, 0.0)
        dead.close()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: each.others(0.0), lookers))
    assert {each.departed[STARTED] for each in found} == {20.0}
    for exchange in lookers:
        exchange.close()


def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    one, other = Exchange(tmp_path), Exchange(tmp_path)
    other.publish({STARTED: 2.0}, 0.0)
    (values,) = tmp_path.glob("*.values")
    values.write_bytes(b"\xff")
    assert one.others(0.0) == Others([], {}, 0.0)
    one.close()
    other.close()
