"""Caddy, nginx and HAProxy from the system's packages, with the files of `deploy/`."""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import trustme

from tests.support.ports import free_port
from tests.support.settings import PROOF
from tests.support.waiting import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"

(SECRET,) = PROOF.values()


class Proxy:
    """A program that ends TLS before relays, on ports of the test's own.

    with NGINX(["127.0.0.1:8000"]) as proxy:
        Client(proxy.url, line={"ssl": proxy.trust})
    """

    file: str
    """Within `deploy/`."""

    def __init__(
        self, relays: Sequence[str], change: Callable[[str], str] = lambda text: text
    ) -> None:
        """Describe it.

        Args:
            relays: Host and port of each.
            change: Done to the file before it is used.
        """
        self.relays = relays
        self.port, self.plain_port = free_port(), free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="scribe-relay-proxy-"))
        self._change = change
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def trust(self) -> ssl.SSLContext:
        """A context that trusts its certificate."""
        return ssl.create_default_context(cafile=self.authority)

    @property
    def authority(self) -> Path:
        """The certificate of whoever signed the proxy's."""
        return self.folder / "authority.pem"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def command(self) -> list[str | Path]:
        """Write what it needs into its folder; how it is called."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What it has besides `PATH`."""
        return {}

    def recipe(self, *replacements: tuple[str, str]) -> Path:
        """Write the file with the machine's own in the place of the example's."""
        text = self._change((DEPLOY / self.file).read_text())
        for old, new in replacements:
            assert old in text, f"{self.file} has no {old!r} any more"
            text = text.replace(old, new)
        path = self.folder / Path(self.file).name
        path.write_text(text)
        return path

    def certify(self) -> Path:
        """Make a certificate for localhost; the file of it and its key."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        path = self.folder / "localhost.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def __enter__(self) -> Self:
        command = self.command()
        if shutil.which(str(command[0]), path=_PATH) is None:
            pytest.fail(f"{command[0]} is not installed: run scripts/system-packages")
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": _PATH, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(self._is_ready_or_ended, f"{command[0]} to listen", seconds=30)
            assert self._process.poll() is None, self.log
        except BaseException:
            self._clear_away()
            raise
        return self

    def _is_ready_or_ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None or self.is_ready()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear_away()

    def _clear_away(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


_PATH = f"{os.defpath}:/usr/sbin:/usr/local/bin"


class Caddy(Proxy):
    """Configured by its environment, as in `docker-compose.yml`; it makes its own certificate."""

    file = "caddy/Caddyfile"

    @property
    def authority(self) -> Path:
        return self.folder / "caddy/pki/authorities/local/root.crt"

    def is_ready(self) -> bool:
        return self.authority.exists() and super().is_ready()

    def command(self) -> list[str | Path]:
        return ["caddy", "run", "--adapter", "caddyfile", "--config", self.recipe()]

    def environment(self) -> dict[str, str]:
        return {
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "CADDY_HTTP_PORT": str(self.plain_port),
            "SITE_ADDRESS": self.url,
            "RELAYS": " ".join(self.relays),
            "RELAY_PROXY_SECRET": SECRET,
        }


class Nginx(Proxy):
    """The file of a site, within the least that nginx wants around it."""

    file = "nginx/scribe-relay.conf"

    def command(self) -> list[str | Path]:
        pem = str(self.certify())
        first, *others = self.relays
        options = " max_fails=1 fail_timeout=2s;"
        site = self.recipe(
            (
                f"  # server 10.0.0.12:8000{options}\n",
                "".join(f"  server {other}{options}\n" for other in others),
            ),
            (f"server 127.0.0.1:8000{options}", f"server {first}{options}"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("relay.example.org;", "localhost;"),
            ("/etc/ssl/relay.example.org.pem", pem),
            ("/etc/ssl/relay.example.org.key", pem),
            ("# proxy_set_header X-Relay-Proxy-Secret", "proxy_set_header X-Relay-Proxy-Secret"),
            ("the text of RELAY_PROXY_SECRET", SECRET),
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        around = self.folder / "nginx.conf"
        around.write_text(
            f"daemon off; pid {self.folder}/pid; error_log stderr; events {{ }}\n"
            f"http {{ access_log off; {paths} include {site}; }}\n"
        )
        return ["nginx", "-e", "stderr", "-c", around]


class HAProxy(Proxy):
    """The whole configuration."""

    file = "haproxy/haproxy.cfg"

    def command(self) -> list[str | Path]:
        pem = str(self.certify())
        first, *others = self.relays
        config = self.recipe(
            ("server relay-1 127.0.0.1:8000", f"server relay-1 {first}"),
            (
                "  # server relay-2 10.0.0.12:8000\n",
                "".join(f"  server relay-{n} {at}\n" for n, at in enumerate(others, 2)),
            ),
            ("bind :80\n", f"bind 127.0.0.1:{self.plain_port}\n"),
            ("bind :443 ", f"bind 127.0.0.1:{self.port} "),
            ("/etc/haproxy/relay.example.org.pem", pem),
            (
                "# http-request set-header X-Relay-Proxy-Secret",
                "http-request set-header X-Relay-Proxy-Secret",
            ),
            ("the text of RELAY_PROXY_SECRET", SECRET),
        )
        return ["haproxy", "-W", "-f", config]


PROXIES: tuple[Any, ...] = (Caddy, Nginx, HAProxy)
