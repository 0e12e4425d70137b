"""Pages from templates: in the visitor's language, with everything escaped."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from relay.auth.identities import Identity, Kind
from relay.http.assets import Assets
from relay.http.texts import Texts, choose_language

TEMPLATES: Final = Path(__file__).parent / "templates"

QUIET_ZONE: Final = 4
"""Modules around a QR code. Source: ISO/IEC 18004, section 6.3.8."""


class Renderer:
    """Turns templates into answers."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        person: Identity | None = None,
        script: str | None = None,
        refresh: int | None = None,
        kiosk_state: str | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """Answer with a page.

        Args:
            request: Whose language is spoken.
            template: File name.
            status: Of the answer.
            headers: Of the answer, besides those that all have.
            person: Who is signed in, for the head of the page.
            script: Which of our scripts it loads, if they are built.
            refresh: Seconds after which a browser without scripts asks again.
            kiosk_state: Which of a kiosk's screens it is, for their script.
            values: What the template shows.
        """
        texts = texts_for(request)
        html = (
            _environment()
            .get_template(template)
            .render(
                t=texts,
                asset=self._assets.url,
                path=request.url.path,
                person=person,
                entry=None if script is None else self._assets.entry(script),
                refresh=refresh,
                kiosk_state=kiosk_state,
                **values,
            )
        )
        spoken = {"content-language": texts.language, "vary": "accept-language"}
        return HTMLResponse(html, status, {**spoken, **(headers or {})})


@cache
def _environment() -> Environment:
    # One per process, so that each template is compiled once.
    environment = Environment(
        autoescape=True,
        auto_reload=False,
        loader=FileSystemLoader(TEMPLATES),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "clock": clock,
        "hours": hours,
        "day": day,
        "minute": minute,
        "json": json_text,
    }
    return environment


def texts_for(request: Request) -> Texts:
    """The texts in the language that a request prefers."""
    return Texts(choose_language(request.headers.get("accept-language", "")))


def known_person(request: Request) -> Identity | None:
    """Who is signed in, as far as somebody has asked while this request was served."""
    identity: Identity | None = request.scope.get("state", {}).get("identity")
    return identity if identity is not None and identity.kind is Kind.USER else None


def qr_code(text: str) -> Markup:
    """Draw a QR code as SVG, dark on light whatever the page's colours are: cameras want that."""
    svg = segno.make_qr(text, error="m").svg_inline(
        border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    # Drawn by segno from squares alone; nothing of `text` stands in it.
    return Markup(svg)  # noqa: S704  # see above


def minute(moment: datetime) -> str:
    """Write a moment, to the minute; a script of the page writes it in the visitor's own time."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def json_text(value: Any) -> str:
    """Write what a script reads, as text that the template escapes."""
    return msgspec.json.encode(value).decode()


def clock(milliseconds: int) -> str:
    """Write a duration as a clock shows it: `3:07`, `1:02:03`."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{seconds:02}" if hour else f"{minute}:{seconds:02}"


def hours(milliseconds: int) -> str:
    """Write a long duration in hours and minutes: `0:07`, `31:15`."""
    hour, minute = divmod(round(milliseconds / 60_000), 60)
    return f"{hour}:{minute:02}"


def day(moment: datetime) -> str:
    """Write a day."""
    return moment.date().isoformat()
