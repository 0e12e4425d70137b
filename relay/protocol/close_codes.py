"""How a connection ends, and what the client should do then."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Close codes of `/v1/stream`; 4000–4999 are the application's (RFC 6455, section 7.4.2)."""

    ENDED = 1000
    LEAVING = 1001
    BROKEN = 1006
    MESSAGE_TOO_BIG_FOR_SERVER = 1009
    FAULT = 1011
    RESTARTING = 1012
    INVALID = 4400
    NOT_SIGNED_IN = 4401
    NOT_ALLOWED = 4403
    IDLE = 4408
    TAKEN_OVER = 4409
    MESSAGE_TOO_BIG = 4413
    LIMITED = 4429
    UPSTREAM_REFUSED = 4502
    UPSTREAM_UNAVAILABLE = 4503


ADVICE: dict[CloseCode, str] = {
    CloseCode.ENDED: "Ended as asked. Stop.",
    CloseCode.LEAVING: "The relay is leaving. Come back, with back-off.",
    CloseCode.BROKEN: "The line broke; never sent, only seen. Come back, with back-off.",
    CloseCode.MESSAGE_TOO_BIG_FOR_SERVER: "A message of more than 1 MiB. Send shorter ones.",
    CloseCode.FAULT: "A fault of the relay's. Come back, with back-off.",
    CloseCode.RESTARTING: "The relay restarts. Come back, with back-off.",
    CloseCode.INVALID: "The request or a message breaks the protocol. Fix it; do not retry.",
    CloseCode.NOT_SIGNED_IN: "The credential is missing, unknown, spent or expired. Get a new one.",
    CloseCode.NOT_ALLOWED: "This origin or role may not do this. Stop.",
    CloseCode.IDLE: "Nothing came for too long. Connect again when there is audio.",
    CloseCode.TAKEN_OVER: "The session goes on in another connection. Stop.",
    CloseCode.MESSAGE_TOO_BIG: "A message over the limit. Send shorter ones.",
    CloseCode.LIMITED: "A rate, session or quota limit. Wait for `retry_after_ms`.",
    CloseCode.UPSTREAM_REFUSED: "The provider refused for good. Show the reason.",
    CloseCode.UPSTREAM_UNAVAILABLE: "The provider or a place is not to be had now. Connect later.",
}
"""One sentence for people and one act for the client, for every code."""
