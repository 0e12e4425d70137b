"""How much somebody may use."""

from relay.settings.layered import Layered, setting


class LimitSettings(Layered, frozen=True):
    """Limits of each role, of the provider's plan, and of everybody together."""

    handshakes_per_minute: int = setting(
        120,
        "Limits",
        "Connections that one address (IPv6: one /64) may open before anybody knows who it is.",
        ge=1,
        le=1_000_000,
    )
    limit_user_sessions: int = setting(
        4, "Limits", "Sessions of one user at once.", ge=0, le=1_000_000
    )
    limit_user_connects_per_minute: int = setting(
        30, "Limits", "Sessions that one user may begin in a minute.", ge=0, le=1_000_000
    )
    limit_user_minutes_per_day: float | None = setting(
        600,
        "Limits",
        "Audio of one user in a day (UTC).",
        unit="min",
        ge=0,
        le=1_000_000_000,
    )
    limit_user_session_minutes: float = setting(
        240,
        "Limits",
        "Longest session of one user.",
        unit="min",
        ge=0.01,
        le=1_000_000,
    )
    limit_kiosk_sessions: int = setting(
        2, "Limits", "Sessions of one kiosk, or one place at once.", ge=0, le=1_000_000
    )
    limit_kiosk_connects_per_minute: int = setting(
        30,
        "Limits",
        "Sessions that one kiosk, or one place may begin in a minute.",
        ge=0,
        le=1_000_000,
    )
    limit_kiosk_minutes_per_day: float | None = setting(
        1440,
        "Limits",
        "Audio of one kiosk, or one place in a day (UTC).",
        unit="min",
        ge=0,
        le=1_000_000_000,
    )
    limit_kiosk_session_minutes: float = setting(
        1440,
        "Limits",
        "Longest session of one kiosk, or one place.",
        unit="min",
        ge=0.01,
        le=1_000_000,
    )
    limit_key_sessions: int = setting(
        1_000,
        "Limits",
        "Sessions of one server key, or one of its subjects at once.",
        ge=0,
        le=1_000_000,
    )
    limit_key_connects_per_minute: int = setting(
        6_000,
        "Limits",
        "Sessions that one server key, or one of its subjects may begin in a minute.",
        ge=0,
        le=1_000_000,
    )
    limit_key_minutes_per_day: float | None = setting(
        None,
        "Limits",
        "Audio of one server key, or one of its subjects in a day (UTC); no limit if not set.",
        unit="min",
        ge=0,
        le=1_000_000_000,
    )
    limit_key_session_minutes: float = setting(
        1440,
        "Limits",
        "Longest session of one server key, or one of its subjects.",
        unit="min",
        ge=0.01,
        le=1_000_000,
    )
    upstream_max_sessions: int = setting(
        0,
        "Limits",
        "Sessions that the provider's plan allows at once, for all workers and hosts together; "
        "further ones wait in a fair queue. 0 for no limit.",
        ge=0,
        le=1_000_000,
    )
    budget_minutes_per_day: float = setting(
        0,
        "Limits",
        "Audio of everybody together in a day (UTC); 0 for no limit.",
        unit="min",
        ge=0,
        le=1_000_000_000,
    )
    price_per_hour: float = setting(
        0.39,
        "Limits",
        "What an hour of audio costs at the provider, for the estimates in the ledger.",
        unit="USD",
        ge=0,
        le=1000,
    )
