"""The wire as both sides have to understand it; README.md here says how it is written down."""
