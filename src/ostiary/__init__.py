"""Ostiary: an identity-aware gate in front of databases, for AI agents and people."""

__version__ = "0.1.0"
