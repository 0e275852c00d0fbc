"""Calls of the voice agent, recorded in Frappe."""

__version__ = "0.1.0"
