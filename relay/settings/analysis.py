"""What becomes of what was said, beyond storing it: who judges it, and who hears of that."""

from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo, field_validator

from relay.analysis.scores import KINDS, THREAT, TOXICITY
from relay.analysis.webhooks import parse_secret
from relay.settings.layered import Layered, setting
from relay.settings.secret import Secret
from relay.settings.values import is_loopback, split_url, text_only


def _parse_thresholds(text: str) -> Mapping[str, float]:
    right = f"give such as toxicity=0.5&threat=0.5; there are {', '.join(KINDS)}"
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        thresholds = {kind: float(number) for kind, number in pairs}
    except ValueError:
        raise ValueError(f"'{text}' is no list of kinds and numbers; {right}") from None
    for kind, threshold in thresholds.items():
        if kind not in KINDS:
            raise ValueError(f"no kind is called '{kind}'; {right}")
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold lies above 0 and at most at 1; {right}")
    return thresholds


def _check_webhook_secret(secret: SecretStr) -> SecretStr:
    parse_secret(secret.get_secret_value())
    return secret


class AnalysisSettings(Layered, frozen=True):
    """Who judges what is said, and who hears of it."""

    secrets: ClassVar[frozenset[str]] = frozenset({"moderation_key", "webhook_secret"})

    analysis_local: bool = setting(
        True,
        "Analysis",
        "Whether what is stored is judged by the relay's own lists of words and phrases; nothing "
        "leaves the relay for it.",
    )
    analysis_thresholds: Annotated[
        Mapping[str, float], BeforeValidator(text_only(_parse_thresholds))
    ] = setting(
        {TOXICITY: 0.5, THREAT: 0.5},
        "Analysis",
        "From which score on a segment is flagged, by kind. A kind that isn't named is left out; "
        f"there are {', '.join(f'`{kind}`' for kind in KINDS)}, of which the lists know the first "
        "two.",
    )
    analysis_allow_plaintext: bool = setting(
        False,
        "Analysis",
        "Allow `http://` in `RELAY_MODERATION_URL` and `RELAY_WEBHOOK_URL` for other hosts than "
        "this one; what was said then crosses the network unencrypted.",
    )
    moderation_url: str | None = setting(
        None,
        "Analysis",
        "Where a service judges what is stored as well, in OpenAI's moderation format, such as "
        "`https://api.openai.com/v1/moderations`. It is sent what was said.",
    )
    moderation_key: Secret | None = setting(
        None,
        "Analysis",
        "The key of that service, if it wants one; sent as `Authorization: Bearer …`.",
    )
    moderation_model: str | None = setting(
        None,
        "Analysis",
        "The model that it is asked for, such as `omni-moderation-latest`; by default its own.",
    )
    moderation_timeout: float = setting(
        10.0,
        "Analysis",
        "How long it may take for one segment; then it is asked again later.",
        unit="s",
        ge=0.1,
        le=120,
    )
    webhook_secret: Annotated[Secret, AfterValidator(_check_webhook_secret)] | None = setting(
        None,
        "Analysis",
        "Signs what is told, as Standard Webhooks say: `whsec_` and 24 to 64 bytes in base64.",
    )
    webhook_url: str | None = setting(
        None,
        "Analysis",
        "Who is told when a segment is flagged, by POST; needs `RELAY_WEBHOOK_SECRET`.",
    )
    webhook_text: bool = setting(
        False,
        "Analysis",
        "Whether the webhook is also told what was said.",
    )
    webhook_timeout: float = setting(
        10.0,
        "Analysis",
        "How long the webhook may take to answer; then it is told again later.",
        unit="s",
        ge=0.1,
        le=60,
    )

    @field_validator("moderation_url", "webhook_url")
    @classmethod
    def _check_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None:
            return None
        parts = split_url(url, "give https://host/path")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is no URL of a server; give https://host/path")
        if "@" in parts.netloc:
            raise ValueError("credentials do not belong in it; give https://host/path")
        is_allowed = info.data.get("analysis_allow_plaintext", False)
        if parts.scheme == "http" and not is_allowed and not is_loopback(parts.hostname):
            raise ValueError(
                "http:// would send what was said unencrypted; give https://, "
                "or set RELAY_ANALYSIS_ALLOW_PLAINTEXT=true on a network you trust"
            )
        return url.strip()

    @field_validator("webhook_url")
    @classmethod
    def _check_secret(cls, url: str | None, info: ValidationInfo) -> str | None:
        # The secret stands above the URL; it isn't in the data if it is wrong itself.
        if url is not None and info.data.get("webhook_secret", ...) is None:
            raise ValueError(
                "it needs RELAY_WEBHOOK_SECRET, by which the receiver knows from whom it hears: "
                "echo whsec_$(openssl rand -base64 32)"
            )
        return url

    @property
    def webhook_key(self) -> bytes:
        """What signs the webhook's messages; empty where there is none."""
        secret = self.webhook_secret
        return b"" if secret is None else parse_secret(secret.get_secret_value())
