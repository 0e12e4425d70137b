from aiohttp.test_utils import make_mocked_request

from relay.simulator.sockets import reset_transport


def test_a_line_that_is_gone_needs_no_reset() -> None:
    request = make_mocked_request("GET", "/")
    request.protocol.transport = None
    reset_transport(request)
