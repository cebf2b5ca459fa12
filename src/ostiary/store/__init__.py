"""Durable state: the log's files and the keys beside them."""
