"""A shop to try the gate on: a real PostgreSQL, believable data, and the tour that checks what it promises."""
