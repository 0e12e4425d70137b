"""TCP ports for servers that tests start."""

import secrets
import socket
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Below those from which Linux takes one for each outgoing connection: else one that was found free
could be taken before its server listens."""


def free_port() -> int:
    """A port that nobody listens on now, drawn so that tests side by side draw different ones."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
