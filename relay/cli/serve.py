"""`scribe-relay serve`."""

from pathlib import Path
from typing import Any

import click
import structlog

from relay.cli.options import (
    ENV_FILE,
    configure_logs,
    listening,
    load_settings,
    log_options,
    upstream_options,
)
from relay.server import serve as serve_until_stopped


@click.command(
    epilog="""\b
Examples:
  scribe-relay serve
  scribe-relay serve --port 9000 --upstream-region eu
  scribe-relay serve --upstream-url ws://127.0.0.1:8001   # the simulator
"""
)
@click.option("--host", help="Address to listen on; 0.0.0.0 for all.  [RELAY_HOST]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [RELAY_PORT]")
@click.option("--workers", type=int, help="Processes; more than one needs Redis.  [RELAY_WORKERS]")
@upstream_options
@log_options
@ENV_FILE
def serve(env_file: Path, **flags: Any) -> None:
    """Run the relay.

    Ctrl-C or SIGTERM stops it, its sessions in order first. Settings come from flags, the
    environment and the file .env, in this order; check-config shows them all. Who may connect:
    `scribe-relay user`, `kiosk` and `key` administer it.
    """
    settings = load_settings(env_file, **flags)
    configure_logs(settings)
    log = structlog.get_logger("relay")
    if settings.elevenlabs_api_key is None:
        log.warning(
            "no key: every session will be refused; set ELEVENLABS_API_KEY, "
            "or run `scribe-relay demo` to try the relay without one"
        )

    def log_start(url: str) -> None:
        log.info(
            "relay starts",
            url=url,
            upstream=settings.upstream_base_url,
            workers=settings.workers,
            shared_state="Redis" if settings.redis_url is not None else "this process alone",
        )

    with listening(settings.host, settings.port, "--port"):
        try:
            serve_until_stopped(settings, log_start)
        except KeyboardInterrupt:
            log.info("relay stopped")
