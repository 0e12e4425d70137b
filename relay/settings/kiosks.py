"""What a kiosk's screen does."""

from relay.settings.layered import Layered, setting


class KioskSettings(Layered, frozen=True):
    """The same for every kiosk of this relay."""

    kiosk_always_on: bool = setting(
        False,
        "Kiosks",
        "Kiosks listen from the start and show no control; else somebody begins by touching it.",
    )
    kiosk_clear_after: float = setting(
        20.0,
        "Kiosks",
        "How long after the last words a kiosk's screen forgets what was said.",
        unit="s",
        ge=2,
        le=600,
    )
