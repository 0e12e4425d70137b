"""A relay with something to see on every page."""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from playwright.async_api import BrowserContext, Page, expect

from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE
from relay.registry import SessionRecord
from relay.store.usage import UsageRow
from tests.browser.archive import TALKS, converse
from tests.support.people import Person, device, operator, person
from tests.support.relay import Relay

MINUTE_MS: Final = 60_000

START: Final = re.compile("Start recording|Начать запись")


async def furnish(relay: Relay) -> Person:
    """Add people, kiosks, sessions and usage; the operator."""
    olga = await operator(relay)
    anna = await person(relay)
    lobby = await device(relay, "lobby", (("language_code", "en"), ("keyterms", "Kyiv")))
    await device(relay, "eye clinic, second floor")
    now = time.time()
    who = (
        ("user", anna.user.id, "anna", "10.1.2.17", "en", 724_000),
        ("kiosk", lobby.kiosk.id, "lobby", "10.1.2.40", None, 2_931_000),
        ("key", "crm", "crm", None, "ru", 190_000),
    )
    records = [
        SessionRecord(
            session_id=hashlib.sha256(name.encode()).hexdigest()[:32],
            worker=f"relay-1:{number % 2}",
            account=f"{kind}:{account}",
            kind=kind,
            name=name,
            address=address,
            started_at=now - received_ms / 1000,
            state="open",
            sample_rate=48_000,
            encoding="pcm_f32le",
            channels=1,
            commit_strategy="vad",
            language_code=language,
            received_ms=received_ms,
            sent_ms=received_ms,
            segments=9,
        )
        for number, (kind, account, name, address, language, received_ms) in enumerate(who, 10)
    ]
    await relay.services.registry.beat(records)
    await converse(relay, anna)
    today = datetime.now(UTC).date()
    await relay.services.usage.record(
        [
            UsageRow(
                session_id=f"{day}-{name}",
                day=today - timedelta(days=day),
                account=f"{kind}:{account}",
                kind=kind,
                name=name,
                received_ms=minutes * MINUTE_MS,
                sent_ms=minutes * MINUTE_MS * 4 // 5,
                silence_ms=minutes * MINUTE_MS // 5,
                connected_ms=minutes * MINUTE_MS,
            )
            for kind, account, name, *_ in who
            for day, minutes in enumerate((41, 95, 120, 77, 12, 8, 88))
        ]
    )
    return olga


async def wait_for_approval(relay: Relay) -> None:
    """Let a device show a code."""
    await relay.services.kiosks.begin("10.1.2.51", datetime.now(UTC))


async def become(context: BrowserContext, relay: Relay, somebody: Person) -> None:
    """Give a browser somebody's cookie."""
    await set_cookie(context, relay, SESSION_COOKIE, somebody.cookie)


async def set_cookie(context: BrowserContext, relay: Relay, name: str, value: str) -> None:
    """Give a browser a cookie of the relay's."""
    await context.add_cookies([{"name": name, "value": value, "url": relay.url}])


async def _login(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/login")


async def _login_wrong(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/login")
    await page.get_by_label("Name").fill("olga")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()


async def _link(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/login?link=a-link-that-nobody-made")


async def _as_operator(page: Page, relay: Relay) -> None:
    users = relay.services.users
    olga = await users.find("olga")
    assert olga is not None
    sign_in = await users.sign_in(olga.id, 600, datetime.now(UTC))
    assert sign_in is not None
    value = relay.services.session_cookie.value(sign_in.id)
    await set_cookie(page.context, relay, SESSION_COOKIE, value)


async def _recorder(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(relay.url)
    await expect(page.get_by_role("button", name=START)).to_be_visible()


async def _recorder_problem(page: Page, relay: Relay) -> None:
    await _recorder(page, relay)
    # This Chromium gives its microphone to nobody.
    await page.get_by_role("button", name=START).click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def _kiosk_new(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/kiosk")


async def _kiosk_waiting(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/kiosk")
    await page.get_by_role("button", name="Show a code").click()


async def _kiosk_ready(page: Page, relay: Relay) -> None:
    shown = await device(
        relay, f"reception {time.monotonic_ns() % 1000}", (("language_code", "en"),)
    )
    await set_cookie(page.context, relay, KIOSK_COOKIE, shown.cookie)
    await page.goto(f"{relay.url}/kiosk")


async def _kiosk_person(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/kiosk")


async def _ops(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/ops?code=BCDF-GHJK")


async def _ops_wrong(page: Page, relay: Relay) -> None:
    await _ops(page, relay)
    await page.get_by_label("Name of the kiosk").fill("cellar")
    await page.get_by_role("button", name="Approve", exact=True).click()


async def _user_link(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/ops")
    await page.get_by_role("button", name="Sign-in link for anna").click()


async def _history(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/history?q=morning&language=en")


async def _transcript(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/history/{TALKS[0].id}?q=room")
    await page.get_by_text("paracetamol", exact=True).click()


async def _account(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/account")


async def _error(page: Page, relay: Relay) -> None:
    await page.goto(f"{relay.url}/nowhere")


SIGHTS: Final[Mapping[str, Callable[[Page, Relay], Awaitable[None]]]] = {
    "login": _login,
    "login-wrong": _login_wrong,
    "link": _link,
    "recorder": _recorder,
    "recorder-problem": _recorder_problem,
    "kiosk-new": _kiosk_new,
    "kiosk-waiting": _kiosk_waiting,
    "kiosk-ready": _kiosk_ready,
    "kiosk-person": _kiosk_person,
    "ops": _ops,
    "ops-wrong": _ops_wrong,
    "user-link": _user_link,
    "history": _history,
    "transcript": _transcript,
    "account": _account,
    "error": _error,
}
"""Every page in each of its states, and how a browser gets there."""
