"""A relay with something to see on every page."""

import hashlib
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from playwright.async_api import BrowserContext, Page, expect

from relay.auth.gate import KIOSK_COOKIE, SESSION_COOKIE
from relay.logbook import Entry
from relay.logbook import Kind as Happening
from relay.metrics.figures import SPAN, SPANS
from relay.registry import Duty, Registry, SessionRecord, WorkerRecord, Workers
from relay.store.usage import UsageRow
from tests.browser.archive import TALKS, converse
from tests.support.people import Person, device, operator, person
from tests.support.relay import Relay

MINUTE_MS: Final = 60_000

SHOWN: Final = 120.0
"""Seconds for which what is made up is there, without anybody who renews it."""

START: Final = re.compile("Start recording|Начать запись")


async def furnish(relay: Relay) -> Person:
    """Add people, kiosks, sessions and usage; the operator."""
    olga = await operator(relay)
    anna = await person(relay)
    lobby = await device(relay, "lobby", (("language_code", "en"), ("keyterms", "Kyiv")))
    await device(relay, "eye clinic, second floor")
    now = time.time()
    who = (
        ("user", anna.user.id, "anna", "10.1.2.17", "en", 724_000, "o" * 31 + "bb" + "o" * 27),
        ("kiosk", lobby.kiosk.id, "lobby", "10.1.2.40", None, 2_931_000, "o" * 20 + "q" * 40),
        ("key", "crm", "crm", None, "ru", 190_000, "w" + "o" * 8 + "ppg" + "o" * 7),
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
            warnings=("clipping",) if name == "anna" else (),
            recent=recent,
            added_latency_ms=2.4 + number / 10,
            speech_to_final_ms=380.0 + number,
            reconnects=recent.count("b") // 2,
            gap_ms=1500 * recent.count("g"),
        )
        for number, (kind, account, name, address, language, received_ms, recent) in enumerate(
            who, 10
        )
    ]
    await Registry(relay.services.state, lasts=SHOWN).beat(records)
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


async def _look_back(relay: Relay) -> None:
    """Give the relay another worker, half an hour that it had, and a session its course."""
    services, now = relay.services, time.time()
    await Workers(services.state, lasts=SHOWN).beat(
        WorkerRecord(
            worker="relay-2:17",
            group="relay-2:8000",
            version="0.1.0",
            started_at=now - 86_400,
            duty=Duty.DRAINING,
            sessions=3,
            sessions_limit=400,
        )
    )
    for back in range(1, SPANS + 2):
        wave = math.sin(back / 40) + math.sin(back / 7) / 4
        speakers = 21 + round(6 * wave)
        tally = {
            "workers": 2.0,
            "sessions:open": speakers,
            "sessions:parked": 3 + back % 50 // 40,
            "received": SPAN * (speakers - 0.4 * (back % 3)),
            "sent": SPAN * (speakers - 1.5),
            "upstream_errors": float(back % 71 == 0),
            "auth_failures": float(back % 97 == 0),
            "audio_warnings": float(back % 120 == 0),
            **{f"added:{bound}": 98.0 + wave for bound in (0.003, 0.005)},
            **{f"added:{bound}": 100.0 + wave for bound in (0.0075, 0.01, "+Inf")},
            **{f"final:{bound}": 20.0 + 4 * wave for bound in (0.4, 0.5)},
            **{f"final:{bound}": 30.0 for bound in (0.65, "+Inf")},
        }
        await services.figures.add(int(now // SPAN) - back, tally)
    course = (
        (700, Happening.BEGAN, "new", None),
        (699.8, Happening.OPENED, None, 0.21),
        (290, Happening.FAILED, "lost", None),
        (289.6, Happening.OPENED, None, 0.24),
        (289.6, Happening.REPLAYED, "lost", None),
        (60, Happening.WARNED, "clipping", None),
        *((ago, Happening.COMMIT, None, 0.41) for ago in range(5, 600, 12)),
    )
    session_id = hashlib.sha256(b"anna").hexdigest()[:32]
    if await services.timelines.read(session_id):
        return  # it was shown before
    entries = [Entry(now - ago, kind, code, seconds) for ago, kind, code, seconds in course]
    await services.timelines.add({session_id: entries})


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


async def _ops_plain(page: Page, relay: Relay) -> None:
    await _as_operator(page, relay)
    await page.goto(f"{relay.url}/ops?code=BCDF-GHJK")
    await expect(page.locator("[data-session]")).to_have_count(3)


async def _ops(page: Page, relay: Relay) -> None:
    await _look_back(relay)
    await _ops_plain(page, relay)
    await expect(page.locator(".chart canvas")).to_have_count(6)
    opener = page.locator("[data-session]", has_text="anna").locator("[aria-expanded]")
    await opener.click()
    await expect(page.locator(".entries li")).to_have_count(6)


async def _ops_wrong(page: Page, relay: Relay) -> None:
    await _ops_plain(page, relay)
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
