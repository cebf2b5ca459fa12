"""Who comes to the shop's door, as options of `ostiary token`. Their groups are those of the starter policies."""

AGENT = ("--kind", "agent", "--group", "agents", "--purpose", "answer customers")
"""An agent on its own: it reads, masked."""

SUPPORT = (
    *("--kind", "agent", "--group", "agents", "--group", "support-agents", "--ticket", "SHOP-1042"),
    *("--on-behalf-of", "maria", "--on-behalf-of-group", "support", "--purpose", "close what is solved"),
)
"""An agent that works for Maria of support, under a ticket that its token proves."""

ADMINISTRATOR = ("--kind", "human", "--group", "dba", "--purpose", "on call")
"""Somebody whom policy shows everything in clear."""
