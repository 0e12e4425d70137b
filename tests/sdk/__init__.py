"""ElevenLabs' own SDKs, as they are released, at the relay and at the simulator alone."""
