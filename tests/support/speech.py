"""Real speech for tests: synthesised by flite, and recordings of a human voice."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from relay.audio.pcm import Int16

VOICES = ("slt", "rms", "awb", "kal16")
"""flite's 16 kHz voices; slt is a woman's, the others are men's."""

ALSA_RECORDINGS = Path("/usr/share/sounds/alsa")
"""Where Debian's alsa-utils keeps its speaker test: a human voice at 48 kHz."""

_CACHE = Path(tempfile.gettempdir()) / "scribe-relay-flite"


def flite(text: str, voice: str = "slt") -> tuple[Int16, int]:
    """Speak `text`; return mono samples and their rate. Cached in the temporary folder."""
    key = hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()[:32]
    path = _CACHE / f"{key}.wav"
    if not path.exists():
        _CACHE.mkdir(exist_ok=True)
        # Several test processes may want it at once: whoever is last wins, nobody reads half.
        partial = _CACHE / f"{key}.{os.getpid()}.wav"
        subprocess.run(
            ["flite", "-voice", voice, "-t", text, "-o", str(partial)],
            check=True,
            capture_output=True,
        )
        partial.replace(path)
    return _read(path)


def alsa_recording(name: str) -> tuple[Int16, int]:
    """Return a recording such as `Front_Center`: mono samples and their rate."""
    return _read(ALSA_RECORDINGS / f"{name}.wav")


def _read(path: Path) -> tuple[Int16, int]:
    samples, rate = soundfile.read(path, dtype="int16")
    return np.asarray(samples, np.int16), int(rate)
