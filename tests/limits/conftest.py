from tests.support.state import redis_server, state

__all__ = ["redis_server", "state"]
