"""Scribe Relay: browsers send microphone frames, words come back, the key stays here."""

__version__ = "0.1.0"
