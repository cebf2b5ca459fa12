"""The sans-io core that every protocol shares: what a session is told and what it asks for."""
