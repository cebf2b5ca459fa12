"""The vocabulary of the product: frozen values, no behaviour beyond their invariants."""
