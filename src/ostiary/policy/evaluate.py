"""Questions to answers: the only place that asks Cedar.

One rule: an answer is yes only if Cedar says Allow and reports no error at all. Cedar skips a policy that fails while
it is evaluated, and a skipped `forbid` would open what it forbids.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import cedarpy
import orjson

from ostiary.model.identity import Principal
from ostiary.model.names import PolicyId
from ostiary.policy.context import Context
from ostiary.policy.document import Policy, PolicySet
from ostiary.policy.resources import Entity, Resource, Uid, principal_entities, principal_uid
from ostiary.policy.vocabulary import STATEMENT_QUESTIONS, typed

REMEMBERED = 8192
"""Batches of answers kept. An entry weighs about a kilobyte."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the principal may do this to that."""

    action: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, and by which policies: the permits that matched, or the forbids; none means that nothing permits.

    `max_rows` is the least of the @max_rows of the permits that matched, so that one more permit never loosens.
    `errors` is not empty when the evaluation failed; then the answer is no, whatever else was said.
    """

    allowed: bool
    policies: tuple[PolicyId, ...] = ()
    max_rows: int | None = None
    errors: tuple[str, ...] = ()


def ask(
    policies: PolicySet, principal: Principal, questions: Sequence[Question], context: Context
) -> tuple[Answer, ...]:
    """Ask all questions in one batch, with only the entities that they are about."""
    if not questions:
        return ()
    try:
        requests, document = _batch(principal, questions, context)
        # Parsed with the schema: without it the set would lack the actions, and no policy on a group of actions match.
        entities = cedarpy.Entities.from_json_str(document, policies.schema)
        results = cedarpy.is_authorized_batch(requests, policies.parsed, entities, policies.schema)
    except (ValueError, TypeError) as error:
        return (Answer(allowed=False, errors=(f"could not be asked: {error}",)),) * len(questions)
    if len(results) != len(questions):
        return (Answer(allowed=False, errors=("was not answered",)),) * len(questions)
    return tuple(_answer(policies, result) for result in results)


def _batch(
    principal: Principal, questions: Sequence[Question], context: Context
) -> tuple[list[dict[str, object]], str]:
    asker = _named(principal_uid(principal))
    documents: dict[bool, str] = {}
    requests: list[dict[str, object]] = []
    entities = {entity.uid: entity for entity in principal_entities(principal)}
    for question in questions:
        with_statement = question.action in STATEMENT_QUESTIONS
        if with_statement not in documents:
            documents[with_statement] = context.document(with_statement=with_statement)
        if question.resource.uid() not in entities:
            entities |= {entity.uid: entity for entity in question.resource.entities()}
        requests.append(
            {
                "principal": asker,
                "action": {"type": typed("Action"), "id": str(question.action)},
                "resource": _named(question.resource.uid()),
                "context": documents[with_statement],
            }
        )
    return requests, orjson.dumps([_shown(entity) for entity in entities.values()]).decode()


def _named(uid: Uid) -> dict[str, str]:
    return {"type": typed(uid.type), "id": uid.id}


def _shown(entity: Entity) -> dict[str, object]:
    return {
        "uid": _named(entity.uid),
        "parents": [_named(parent) for parent in entity.parents],
        "attrs": dict(entity.attributes),
    }


def _answer(policies: PolicySet, result: cedarpy.AuthzResult) -> Answer:
    errors = tuple(result.diagnostics.errors)
    if result.decision is cedarpy.Decision.NoDecision and not errors:
        errors = ("Cedar gave no decision",)
    allowed = result.decision is cedarpy.Decision.Allow and not errors
    matched = sorted((_matched(policies, reason) for reason in result.diagnostics.reasons), key=lambda one: one.id)
    bounds = [policy.max_rows for policy in matched if policy.max_rows is not None]
    return Answer(
        allowed=allowed,
        policies=tuple(policy.id for policy in matched),
        max_rows=min(bounds) if bounds and allowed else None,
        errors=errors,
    )


def _matched(policies: PolicySet, reason: str) -> Policy:
    return policies.by_reason[reason]


class Evaluator:
    """Remembers what policies answered lately.

    By policy version, principal, questions and those parts of the context that the policies read; an answer that
    depends on the time to the second is asked for again. For one thread.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._limit = remembered
        self._answers: OrderedDict[Hashable, tuple[Answer, ...]] = OrderedDict()

    def ask(
        self, policies: PolicySet, principal: Principal, questions: tuple[Question, ...], context: Context
    ) -> tuple[Answer, ...]:
        """The same as `ask`, from memory where that is the same."""
        if policies.reader is None:
            return ask(policies, principal, questions, context)
        key = (policies.version, principal, questions, context.key(policies.reader))
        known = self._answers.get(key)
        if known is not None:
            self._answers.move_to_end(key)
            return known
        answers = ask(policies, principal, questions, context)
        self._answers[key] = answers
        if len(self._answers) > self._limit:
            self._answers.popitem(last=False)
        return answers
