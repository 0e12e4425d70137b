"""`scribe-relay simulate`."""

import ssl
from pathlib import Path
from typing import Any

import click

from relay.cli.exits import CommandFailed
from relay.cli.local import EngineName, default_engine, interruption, make_engine, run
from relay.cli.options import listening, log_options
from relay.logs import Format, Level, configure
from relay.simulator.behaviour import Behaviour
from relay.simulator.faults import Fault, InvalidFault
from relay.simulator.server import Simulator


class FaultType(click.ParamType[Fault]):
    """A fault as `kind,name=value,…`."""

    name = "fault"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        """Read one fault; a wrong one is an error of usage."""
        if isinstance(value, Fault):
            return value
        try:
            return Fault.from_text(value)
        except InvalidFault as error:
            self.fail(f"{value!r}: {error}.", param, ctx)


@click.command(
    epilog="""\b
Examples:
  scribe-relay simulate
  scribe-relay simulate --port 9001 --dump received/
  scribe-relay simulate --engine scripted --text "hello world" --text "good bye"
  scribe-relay simulate --fault drop,after_samples=32000 --fault error,error_type=queue_overflow
  scribe-relay simulate --tls-cert cert.pem --tls-key key.pem --api-key test-key
"""
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--engine",
    type=click.Choice(["pocketsphinx", "scripted"]),
    help="Recognise English speech, or follow a script; by default the first where it can.",
)
@click.option(
    "--text",
    "texts",
    multiple=True,
    help="What each connection's next segment says, with the scripted engine; may be repeated.",
)
@click.option(
    "--api-key", "api_keys", multiple=True, help="A key that is accepted; by default any is."
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificate chain in PEM form; with it, the simulator speaks wss://.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The certificate's key, if it is not in the same file.",
)
@click.option(
    "--dump",
    "dump_folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the audio of each connection there, as WAV.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=FaultType(),
    metavar="KIND,NAME=VALUE,…",
    help="Something that goes wrong on the next connection; may be repeated.",
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(0.1, 86_400),
    default=Behaviour.idle_timeout,
    show_default=True,
    metavar="SECONDS",
    help="Silence of the client after which the connection is closed.",
)
@click.option(
    "--session-limit",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="Longest session; by default there is no limit.",
)
@click.option(
    "--max-sessions", type=click.IntRange(1), help="Sessions at once; by default without limit."
)
@click.option(
    "--final-delay",
    type=click.FloatRange(0),
    default=Behaviour.final_delay,
    show_default=True,
    metavar="SECONDS",
    help="Added to the time that a final takes.",
)
@log_options
def simulate(
    engine: EngineName | None,
    texts: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    log_level: Level | None,
    log_format: Format | None,
    **options: Any,
) -> None:
    """Run the simulator of the provider alone, until Ctrl-C.

    It speaks the protocol of ElevenLabs Scribe v2 Realtime, quirks included, to the relay and to
    the official SDKs; no key and no account are needed. What it received is logged. For a program
    on this machine, POST /simulator/faults adds a fault while it runs, and GET
    /simulator/connections tells what came.
    """
    if texts and engine == "pocketsphinx":
        raise click.UsageError("--text is for --engine scripted; pocketsphinx says what it hears.")
    if tls_key is not None and tls_cert is None:
        raise click.UsageError("--tls-key needs --tls-cert.")
    if (folder := options["dump_folder"]) is not None:
        _make_folder(folder)
    configure(log_level or "info", log_format or "auto")
    behaviour = Behaviour(
        **{
            name: options.pop(name)
            for name in ("idle_timeout", "session_limit", "max_sessions", "final_delay")
        }
    )
    simulator = Simulator(
        engine=make_engine("scripted" if texts else engine or default_engine(), texts),
        behaviour=behaviour,
        ssl_context=_ssl_context(tls_cert, tls_key),
        api_keys=options.pop("api_keys") or None,
        **options,
    )
    with listening(options["host"], options["port"], "--port"):
        run(_simulate(simulator))


async def _simulate(simulator: Simulator) -> None:
    async with simulator:
        with interruption() as came:
            click.echo(f"Simulator  {simulator.url}")
            click.echo(f"Relay to it: RELAY_UPSTREAM_URL={simulator.url}")
            await came.wait()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"{folder} can't be made: {error.strerror}.") from error


def _ssl_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise CommandFailed(
            f"{certificate} and its key can't be used ({error.reason or 'not PEM'}). Give a "
            "certificate chain and its key in PEM form."
        ) from error
    return context
