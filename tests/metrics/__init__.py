"""`relay.metrics`."""
