from relay.protocol.close_codes import ADVICE, CloseCode


def test_every_close_code_tells_a_client_what_to_do() -> None:
    assert set(ADVICE) == set(CloseCode)
    assert all(text.endswith(".") for text in ADVICE.values())
