"""Simulator of community restructuring: households, facilities and organisations."""

__version__ = "0.1.0"
