"""Who is asking: tokens and how they are verified."""
