"""What must not leave in clear, and the text that keeps it from leaving. Pure."""
