"""What the authorizer asks of masking: a text that is safe to send instead, or why there is none."""

from dataclasses import dataclass

from ostiary.analysis.abstraction import Splice
from ostiary.analysis.catalog import Catalog
from ostiary.analysis.parse import Parsed
from ostiary.masking.refusals import NOT_PROVEN_SAFE, ColumnDenied, NotProvenSafe
from ostiary.masking.rewrite import rewrite
from ostiary.masking.safety import unsafe
from ostiary.model.analysis import Analysis
from ostiary.model.decision import Denial
from ostiary.model.mask import MaskPlan

_MESSAGE = "this statement is not available while columns are masked for you"
_HINT = "read with SELECT, name the columns that you need, and leave out what the detail names"
MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text that shows no masked column in clear. `notices` are for the client, `masked_columns` for the record.

    `warnings` are for those who wrote the masks: a mask that does not fit its column's type, a missing mask schema.
    """

    text: bytes
    notices: tuple[str, ...] = ()
    masked_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    splices: tuple[Splice, ...] = ()


def shape_statement(parsed: Parsed, analysis: Analysis, catalog: Catalog, plan: MaskPlan) -> Shaped | Denial:
    """Shape a whole text for a principal whose plan is not empty.

    Args:
        parsed: the text and its tree.
        analysis: what each of its statements would do.
        catalog: what its names mean in this session.
        plan: what this principal may not see in clear.

    Returns:
        The text to send, or a denial with code ``masked-not-proven-safe`` or ``masked-column-denied``. One statement
        that is not safe refuses the whole text.
    """
    if not plan:
        return Shaped(parsed.text)
    try:
        statements = parsed.tree.get("stmts", [])
        if len(statements) != len(analysis.statements):
            return _denial("the analysis does not cover the whole text")
        for raw, understood in zip(statements, analysis.statements, strict=True):
            reasons = unsafe(raw["stmt"], understood, catalog, plan)
            if reasons:
                return _denial("; ".join(reasons[:MOST_REASONS]))
        made = rewrite(parsed, analysis, catalog, plan)
    except NotProvenSafe as error:
        return _denial(error.message, error.hint)
    except ColumnDenied as error:
        return Denial(error.code, error.message, hint=error.hint)
    except RecursionError:
        return _denial("it is nested too deeply")
    notices = tuple(_notice(one) for one in made.masked_columns)
    return Shaped(made.text, notices, made.masked_columns, made.warnings, made.splices)


def _denial(detail: str, hint: str = "") -> Denial:
    return Denial(NOT_PROVEN_SAFE, _MESSAGE, detail=detail, hint=hint or _HINT)


def _notice(masked: str) -> str:
    name, _, kind = masked.rpartition(" ")
    return f"column {name} is masked {kind}; predicates compare masked values"
