"""Orders, appointments and tickets that come from calls."""

__version__ = "0.1.0"
