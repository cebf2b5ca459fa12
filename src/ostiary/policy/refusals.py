"""Why policy says no, in words for people and agents: what, why, and the next step.

One rule: a refusal never says more than who asks may know, and always what to do next.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ostiary.model.analysis import Action, StatementAnalysis
from ostiary.model.decision import Denial
from ostiary.model.identity import Circumstances, Principal
from ostiary.model.names import PolicyId
from ostiary.policy.context import Context
from ostiary.policy.document import PolicySet
from ostiary.policy.evaluate import Answer, Question
from ostiary.policy.resources import Resource
from ostiary.policy.vocabulary import RUN_UNANALYSED, STATEMENT_ACTIONS, WAIVERS

LINES = 5
"""Of detail: what a terminal shows without scrolling."""

_WAIVED = {waiver: action for action, waiver in WAIVERS.items()}

_VERBS: dict[str, str] = {
    Action.CONNECT: "connect to",
    Action.READ: "read",
    Action.INSERT: "insert into",
    Action.UPDATE: "update",
    Action.DELETE: "delete from",
    Action.DEFINE: "change the definition of",
    Action.CALL: "call",
    Action.ADMINISTER: "administer",
}

_PROOFS = ("ticket", "purpose", "workflow", "run")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with who was asked about and what policy said."""

    principal: Principal
    question: Question
    answer: Answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal is made from. The first of `parties` asks; it acts for the others."""

    policies: PolicySet
    parties: tuple[Principal, ...]
    statement: StatementAnalysis | None
    asked: tuple[Asked, ...]

    def unmet(self) -> tuple[Asked, ...]:
        """Actions that are not permitted."""
        return tuple(
            one
            for one in self.asked
            if not one.answer.allowed and one.question.action not in _WAIVED and one.question.action != RUN_UNANALYSED
        )

    def unwaived(self) -> tuple[Asked, ...]:
        """Approvals that are not waived."""
        return tuple(one for one in self.asked if not one.answer.allowed and one.question.action in _WAIVED)

    def not_understood(self) -> tuple[Asked, ...]:
        """Whether, and for whom, the statement may not run without being understood."""
        return tuple(one for one in self.asked if not one.answer.allowed and one.question.action == RUN_UNANALYSED)


Ask = Callable[[tuple[Question, ...], Context], tuple[Asked, ...]]


def of_connect(refusal: Refusal) -> Denial | None:
    """Why somebody may not connect; None when all answers are yes."""
    return _of_actions(refusal, refusal.unmet(), "")


def of_statement(refusal: Refusal, ask: Ask, context: Context) -> Denial | None:
    """Why a statement may not run; None when all answers are yes. `ask` finds out what would change that."""
    if all(one.answer.allowed for one in refusal.asked):
        return None
    unmet = refusal.unmet()
    if any(one.answer.policies or one.answer.errors for one in unmet):
        return _of_actions(refusal, unmet, "")
    if refusal.not_understood():
        return _not_understood(refusal)
    if unmet:
        return _of_actions(refusal, unmet, _permitted_there(unmet[0], ask, context))
    return _approval_required(refusal, ask, context)


@dataclass(frozen=True, slots=True)
class _Reason:
    """One reason why an action is refused, with the answers it stands for."""

    code: str
    applies: Callable[[Answer], bool]


_FAILED = _Reason(code="policy-failed", applies=lambda answer: bool(answer.errors))
_FORBIDDEN = _Reason(code="policy-denies", applies=lambda answer: bool(answer.policies))
_UNPERMITTED = _Reason(code="no-policy-permits", applies=lambda answer: True)


def _of_actions(refusal: Refusal, unmet: tuple[Asked, ...], instead: str) -> Denial | None:
    """The refusal of actions: a failed evaluation first, then what is forbidden, then what nothing permits."""
    for reason in (_FAILED, _FORBIDDEN, _UNPERMITTED):
        chosen = tuple(one for one in unmet if reason.applies(one.answer))
        if chosen:
            return _of_reason(refusal, reason, chosen, instead)
    return None


def _of_reason(refusal: Refusal, reason: _Reason, chosen: tuple[Asked, ...], instead: str) -> Denial:
    first = chosen[0]
    forbids = _policies(chosen) if reason is _FORBIDDEN else ()
    return Denial(
        code=reason.code,
        message=f"{_subject(refusal, first.principal)} may not {_phrase(first.question)}",
        detail=_lines(_detail(refusal, reason, one) for one in chosen),
        hint=_hints(refusal.policies, forbids) or instead + _ask_for(first, reason),
        policies=forbids,
    )


def _detail(refusal: Refusal, reason: _Reason, one: Asked) -> str:
    what = f"{one.question.action} on {_name(one.question.resource)}"
    who = f" for {_label(one.principal)}" if len(refusal.parties) > 1 else ""
    if reason is _FAILED:
        return f"{what}{who}: the policies could not be evaluated: {'; '.join(one.answer.errors)}"
    if reason is _FORBIDDEN:
        return f"{what}{who} is forbidden by policy {_listed(one.answer.policies)}"
    return f"no policy permits {what}{who}"


def _hints(policies: PolicySet, forbids: tuple[PolicyId, ...]) -> str:
    """What the authors of the forbids say to do instead."""
    written = [policy.hint for policy in policies.policies if policy.id in forbids and policy.hint]
    return "; ".join(written)


def _ask_for(one: Asked, reason: _Reason) -> str:
    if reason is _FAILED:
        return "this is a fault of the policies: tell whoever keeps them, with the detail"
    if reason is _FORBIDDEN:
        named = _listed(one.answer.policies)
        return f"nothing overrides a forbid: do it another way, or ask whoever keeps policy {named}"
    return f"ask whoever keeps the policies to permit {one.question.action} on {one.question.resource.uid()}"


def _permitted_there(one: Asked, ask: Ask, context: Context) -> str:
    """What else may be done with the same thing, so that nobody has to find out by trying."""
    resource = one.question.resource
    answers = ask(tuple(Question(action, resource) for action in sorted(STATEMENT_ACTIONS)), context)
    refused = {asked.question.action for asked in answers if not asked.answer.allowed}
    permitted = sorted({asked.question.action for asked in answers} - refused)
    return f"permitted on {_name(resource)}: {', '.join(permitted)}; for the rest, " if permitted else ""


def _not_understood(refusal: Refusal) -> Denial:
    statement, unmet = refusal.statement, refusal.not_understood()
    forbids = _policies(unmet)
    reasons = () if statement is None else statement.incomplete
    otherwise = f", or ask for {RUN_UNANALYSED} on {unmet[0].question.resource.uid()}"
    return Denial(
        code="not-understood",
        message="this statement is not fully understood, so it does not run",
        detail=_lines([*reasons, *(f"{RUN_UNANALYSED} is forbidden by policy {_listed((one,))}" for one in forbids)]),
        hint="write it in a form that can be analysed" + ("" if forbids else otherwise),
        policies=forbids,
    )


def _approval_required(refusal: Refusal, ask: Ask, context: Context) -> Denial:
    unwaived = refusal.unwaived()
    first = unwaived[0]
    action = _WAIVED[first.question.action]
    permits = _policies(
        tuple(
            one
            for one in refusal.asked
            if one.question.action == action and one.question.resource == first.question.resource
        )
    )
    return Denial(
        code="approval-required",
        message=f"{_subject(refusal, refusal.parties[0])} may {_phrase(Question(action, first.question.resource))} "
        "only with an approval, and nobody can give one here",
        detail=_lines(
            [f"{action} on {_name(first.question.resource)} is permitted by policy {_listed(permits)}"]
            + [_unwaived(refusal, one) for one in unwaived]
        ),
        hint=_proof(refusal, ask, context)
        or f"ask whoever keeps the policies to permit {first.question.action} on {first.question.resource.uid()}",
        policies=_policies(unwaived),
    )


def _unwaived(refusal: Refusal, one: Asked) -> str:
    who = f" for {_label(one.principal)}" if len(refusal.parties) > 1 else ""
    what = f"{one.question.action} on {_name(one.question.resource)}{who}"
    if one.answer.errors:
        return f"{what} could not be evaluated: {'; '.join(one.answer.errors)}"
    if one.answer.policies:
        return f"{what} is forbidden by policy {_listed(one.answer.policies)}"
    return f"{what} is not permitted"


def _proof(refusal: Refusal, ask: Ask, context: Context) -> str:
    """The one thing that would waive the approval if the token proved it; "" when there is none.

    Tried with what the client claims, so that a policy which looks at the value is given the one that was meant.
    """
    wanted = tuple(dict.fromkeys(one.question for one in refusal.asked))
    for name in _PROOFS:
        if not refusal.policies.attributes_read & {"proved", f"proved.{name}"}:
            continue
        if getattr(context.proved, name) is not None:
            continue
        supposed = _with_proof(context.proved, name, getattr(context.claimed, name) or "?")
        answers = ask(wanted, replace(context, proved=supposed))
        if all(one.answer.allowed for one in answers):
            helped = [one for one in answers if one.question.action in _WAIVED]
            return f"a token that proves a {name} waives the approval (policy {_listed(_policies(tuple(helped)))})"
    return ""


def _with_proof(proved: Circumstances, name: str, value: str) -> Circumstances:
    said = {one: getattr(proved, one) for one in _PROOFS}
    return Circumstances(**(said | {name: value}))


def _subject(refusal: Refusal, principal: Principal) -> str:
    asker = refusal.parties[0]
    if principal is asker:
        return _label(principal)
    return f"{_label(principal)}, for whom {_label(asker)} acts,"


def _label(principal: Principal) -> str:
    return f'{principal.kind.value} "{principal.name}"'


def _phrase(question: Question) -> str:
    return f"{_VERBS.get(question.action, question.action)} {_name(question.resource)}"


def _name(resource: Resource) -> str:
    uid = resource.uid()
    return uid.id if uid.type in ("Relation", "Function") else f"{uid.type.lower()} {uid.id}"


def _policies(asked: tuple[Asked, ...]) -> tuple[PolicyId, ...]:
    return tuple(sorted({policy for one in asked for policy in one.answer.policies}))


def _listed(policies: Iterable[PolicyId]) -> str:
    return ", ".join(f'"{policy}"' for policy in policies)


def _lines(lines: Iterable[str]) -> str:
    every = list(dict.fromkeys(lines))
    more = [f"and {len(every) - LINES} more"] if len(every) > LINES else []
    return "\n".join(every[:LINES] + more)
