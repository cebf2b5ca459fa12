"""Where the gate's own secrets come from."""
