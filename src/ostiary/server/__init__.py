"""I/O: sockets, TLS, timers. It performs what a session asks for, in order, and adds nothing."""
