"""The service that judges what is said, as the relay's own code asks it."""

from relay.analysis.posting import PostFailed
from relay.doctor.findings import Finding, Status
from relay.services import moderation_of
from relay.settings import Settings


async def check_moderation(settings: Settings) -> Finding | None:
    """Ask about one harmless sentence; None where there is no service."""
    moderation = moderation_of(settings)
    if moderation is None:
        return None
    try:
        await moderation.scores("Good morning.", "en")
    except PostFailed as error:
        return Finding(
            "moderation",
            Status.FAIL,
            f"The moderation service judges nothing: {error}.",
            "Check RELAY_MODERATION_URL, its key (401, 403) and its model (400); what is said "
            "waits for it meanwhile, some two hours, where much waits up to a day.",
        )
    finally:
        await moderation.aclose()
    return Finding("moderation", Status.OK, "The moderation service judges.")
