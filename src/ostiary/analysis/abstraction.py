"""A cheap key under which statements that differ only in small whole numbers share one analysis.

The rule: only what cannot change the analysis is abstracted, and only in texts whose tokens are beyond doubt. Everything
else is its own key.
"""

import re

# One statement of plain data work. SET, FETCH and the like carry numbers that mean something to the gate.
_HEAD = re.compile(rb"\s*(?:select|insert|update|delete)\b", re.IGNORECASE)

# Quotes, comments, dollar signs, backslashes, semicolons and bytes beyond ASCII can make a digit part of something else.
_DOUBTFUL = re.compile(rb"[^\t\n\r -!%&(-:<-\[\]^_`a-z{|}]|--|/\*")

# Up to nine digits are an int4 to PostgreSQL's scanner (section 4.1.2.6), more may be int8 or numeric, which can resolve
# to another operator. Not a part of a name, a decimal, an exponent or a bit string.
_NUMBER = re.compile(rb"(?<![\w.])\d{1,9}(?![\w.])")


def abstracted(text: bytes) -> bytes | None:
    """The text with its small whole numbers replaced, or None when it must stand for itself.

    Two texts with the same key have the same tree but for the values of integer constants.
    """
    if _HEAD.match(text) is None:
        return None
    # One semicolon at the very end separates nothing; pgbench and people write it.
    text = text.rstrip(b" \t\n\r")
    if text.endswith(b";"):
        text = text[:-1]
    if _DOUBTFUL.search(text) is not None:
        return None
    # A quote cannot stand in such a text, so no other text has this key.
    return _NUMBER.sub(b"'", text)
