"""The files here: made by their rules, and as new as what they are made from."""

import json
from pathlib import Path

import pytest

from tests.contract.conversation import Conversation, conversations
from tests.contract.protocol import FILE, protocol
from tests.contract.samples import audio_bytes, digest
from tests.contract.scripts import SCRIPTS
from tests.contract.told import told
from tests.support.contract import check_server_message


@pytest.mark.parametrize("path", conversations(), ids=lambda path: path.stem)
def test_what_is_recorded_follows_the_rules(path: Path) -> None:
    conversation = Conversation.read(path)
    assert told(conversation.lines) == conversation.told
    for said in [*conversation.of("client"), *conversation.of("again")]:
        if "audio_frames" in said:
            assert said["sha256"] == digest(audio_bytes(said))


def test_every_script_is_recorded() -> None:
    assert {path.stem for path in conversations()} == set(SCRIPTS)


def test_the_protocol_for_the_other_suite_is_the_written_one() -> None:
    again = "make it again: python -m tests.contract.record"
    assert json.loads(FILE.read_text()) == protocol(), again
    for message in [*protocol()["server_messages"].values(), *protocol()["failures"].values()]:
        check_server_message(message)
