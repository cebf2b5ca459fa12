"""Why a masked session's statement does not run. Reasons are collected as an error and leave the room as a value."""

from ostiary.model.errors import OstiaryError

NOT_PROVEN_SAFE = "masked-not-proven-safe"
COLUMN_DENIED = "masked-column-denied"


class NotProvenSafe(OstiaryError):
    """Something in the statement is not yet known to keep masked columns masked."""

    code = NOT_PROVEN_SAFE


class ColumnDenied(OstiaryError):
    """The statement touches a column that the principal may not read in any form."""

    code = COLUMN_DENIED
