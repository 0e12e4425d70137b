"""A WebSocket that leads where it was told to and nowhere else."""

from websockets.asyncio.client import connect


class Direct(connect):
    """A connection to the very host that was named.

    websockets follows redirects, and sends a header that it doesn't know for a secret, such as
    `xi-api-key`, to wherever they lead.
    """

    def process_redirect(self, exc: Exception) -> Exception:
        """Take the redirect for the refusal that it is."""
        return exc
