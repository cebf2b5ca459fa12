"""Wire protocols, one package each. They do not know each other and do no I/O."""
