from relay.client.errors import RelayUnreachable, SessionFailed


def test_unreachable_relay_is_named() -> None:
    error = RelayUnreachable("ws://host/v1/stream", "refused.")
    assert str(error) == "No relay can be reached at ws://host/v1/stream: refused."


def test_failed_session_says_what_is_missing() -> None:
    failed = SessionFailed("error", "Gone.", 4503, retryable=True)
    assert failed.is_upstreams
    assert str(failed) == "Gone. (error, close code 4503)"
    failed = SessionFailed("error", "Gone.", 1006, retryable=True, missing=(1.0, 2.25))
    assert not failed.is_upstreams
    assert str(failed).endswith("; nothing has come of the audio from 1.0 to 2.2 s")
