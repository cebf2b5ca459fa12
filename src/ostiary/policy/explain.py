"""What a statement got, and everything that was asked to find out: for people, and as JSON.

One rule: it renders what the authorizer decided and decides nothing itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ostiary.model.decision import Permitted, Refused, Verdict
from ostiary.model.identity import Principal
from ostiary.policy.refusals import Asked


@dataclass(frozen=True, slots=True)
class Explanation:
    """One statement's verdict with its questions. `text` is what was submitted."""

    text: bytes
    verdict: Verdict
    asked: tuple[Asked, ...]


def as_json(explanation: Explanation) -> dict[str, object]:
    """The explanation as plain values."""
    return _verdict(explanation) | {"asked": [_asked(one) for one in explanation.asked]}


def _verdict(explanation: Explanation) -> dict[str, object]:
    verdict = explanation.verdict
    if isinstance(verdict, Refused):
        denial = verdict.denial
        return {
            "allowed": False,
            "code": denial.code,
            "message": denial.message,
            "detail": denial.detail,
            "hint": denial.hint,
            "policies": list(denial.policies),
            "sqlstate": denial.sqlstate,
        }
    permit = verdict.permit
    return {
        "allowed": True,
        "policies": list(permit.policies),
        "max_rows": permit.max_rows,
        "row_cap": permit.row_cap,
        "masked": verdict.masked,
        "runs": permit.text.decode(errors="replace"),
        "rewritten": permit.text != explanation.text,
        "notices": list(verdict.notices),
    }


def _asked(one: Asked) -> dict[str, object]:
    return {
        "principal": label(one.principal),
        "action": str(one.question.action),
        "resource": str(one.question.resource.uid()),
        "allowed": one.answer.allowed,
        "policies": list(one.answer.policies),
        "max_rows": one.answer.max_rows,
        "errors": list(one.answer.errors),
    }


def label(principal: Principal) -> str:
    """``agent bot``."""
    return f"{principal.kind.value} {principal.name}"


def lines(explanation: Explanation) -> Iterator[str]:
    """The explanation for people, line by line."""
    verdict = explanation.verdict
    if isinstance(verdict, Refused):
        denial = verdict.denial
        yield f"refused: {denial.message}"
        yield f"  code    {denial.code}"
        yield from (f"  detail  {line}" for line in denial.detail.splitlines())
        if denial.hint:
            yield f"  hint    {denial.hint}"
    else:
        yield from _permitted(explanation, verdict)
    if explanation.asked:
        yield "asked:"
    for one in explanation.asked:
        yield f"  {_answer(one)}"


def _permitted(explanation: Explanation, verdict: Permitted) -> Iterator[str]:
    permit = verdict.permit
    yield "runs" + (f", by {', '.join(permit.policies)}" if permit.policies else "")
    if permit.max_rows is not None:
        yield f"  rows    a statement that changes more than {permit.max_rows} is rolled back"
    if permit.row_cap is not None:
        yield f"  cap     at most {permit.row_cap} rows of a result"
    if permit.text != explanation.text:
        yield f"  as      {permit.text.decode(errors='replace')}"
    yield from (f"  note    {notice}" for notice in verdict.notices)


def _answer(one: Asked) -> str:
    said = "yes" if one.answer.allowed else "no "
    why = ", ".join(one.answer.policies) or ("; ".join(one.answer.errors) or "no policy permits it")
    bound = "" if one.answer.max_rows is None else f" (at most {one.answer.max_rows} rows)"
    return f"{said}  {label(one.principal)}: {one.question.action} on {one.question.resource.uid()}: {why}{bound}"
