"""Text of SQL → what it would do. Pure: the catalog comes in as an argument."""
