"""What the server says besides rows, rebuilt so that it cannot repeat a value. Nothing is filtered: nothing is kept.

Of an ErrorResponse or NoticeResponse only the severity and the SQLSTATE go on (protocol-error-fields); the message is
ours. The position would point into a text that the client did not write, and names of constraints and columns tell
which of the hidden values was in the way.
"""

from collections.abc import Mapping

from ostiary.masking.sqlstates import MESSAGES, OTHER

_SEVERITIES = frozenset({"ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG"})
_FALLBACK_SEVERITY = "ERROR"


def scrub_error(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields to send instead of the server's.

    Args:
        fields: by the one-letter codes of the protocol.

    Returns:
        S, V, C and M, and no other.
    """
    # V is never translated and S is whatever lc_messages makes of it; 9.5 and older do not send V.
    severity = fields.get("V", fields.get("S", _FALLBACK_SEVERITY))
    if severity not in _SEVERITIES:
        severity = _FALLBACK_SEVERITY
    code = known_code(fields.get("C", OTHER))
    return {"S": severity, "V": severity, "C": code, "M": f"{MESSAGES[code]} (text withheld)"}


def known_code(code: str) -> str:
    """The code if it is one that we know, else its class, else that of an internal error."""
    if code in MESSAGES:
        return code
    general = code[:2] + "000"
    return general if general in MESSAGES else OTHER
