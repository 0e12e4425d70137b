"""`python -m relay` is `scribe-relay`."""

from relay.cli import main

main()
