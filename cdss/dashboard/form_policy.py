"""What an administrator's form says of a policy: only the fields that were changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.http import QueryDict

from cdss.assessments.policy.document import policy_changed
from cdss.assessments.policy.table import Ages, Policy
from cdss.core.errors import DomainError
from cdss.dashboard.forms import typed

ROLE, LOW, HIGH, SENTENCE, SHOWN = "role:", "low:", "high:", "sentence:", "shown:"


class NotAnAgeError(DomainError):
    status = 422
    code = "NOT_AN_AGE"


class PolicyUnchangedError(DomainError):
    status = 422
    code = "POLICY_UNCHANGED"


@dataclass(slots=True)
class PolicyForm:
    """`base_sha256` is the policy that the form showed. `values` are the fields as they are shown again."""

    base_sha256: str
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # field name -> sentence; "" is the whole form

    @classmethod
    def of_policy(cls, policy: Policy, sha256: str) -> PolicyForm:
        return cls(sha256, dict(_fields(policy)))

    @classmethod
    def of_posted(cls, posted: QueryDict, policy: Policy) -> PolicyForm:
        """A field that was not sent stands as it is; an unticked box is sent as nothing."""
        values = {
            name: ("on" if name in posted else "") if name.startswith(SHOWN) else _sent(posted, name, value)
            for name, value in _fields(policy)
        }
        return cls(typed(posted, "base"), values)

    def changed(self, policy: Policy) -> Policy:
        """The policy with what was changed in the form, or the error that names the field."""
        before = dict(_fields(policy))
        new = {name: value for name, value in self.values.items() if value != before[name]}
        if not new:
            raise PolicyUnchangedError("Nothing was changed.")
        return policy_changed(
            policy,
            roles=_of(new, ROLE),
            ages={row.key: self._ages(row.key) for row in policy.rows if {LOW + row.key, HIGH + row.key} & new.keys()},
            score2_region=self.values["score2_region"] or None,
            sentences=_of(new, SENTENCE),
            shown={key: value == "on" for key, value in _of(new, SHOWN).items()},
        )

    def _ages(self, key: str) -> Ages:
        ages = [self.values[LOW + key], self.values[HIGH + key]]
        if not all(age.isascii() and age.isdigit() and len(age) < 4 for age in ages):
            raise NotAnAgeError("Ages are two whole numbers of years.", field=f"rows.{key}.ages")
        return int(ages[0]), int(ages[1])

    def refuse(self, error: DomainError) -> None:
        """Keep the error beside the field it names."""
        part, _, rest = (error.field or "").partition(".")
        key, _, name = rest.rpartition(".")
        place = {"role": ROLE + key, "ages": LOW + key, "sentence": f"{SENTENCE}{part}/{key}"}.get(name, "")
        self.errors[place if place in self.values else ""] = error.sentence


def _fields(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every field of the form with its value."""
    yield "score2_region", policy.score2_region or ""
    for row in policy.rows:
        if row.refusal is None:
            yield ROLE + row.key, row.role
            if row.ages is not None:
                yield LOW + row.key, str(row.ages[0])
                yield HIGH + row.key, str(row.ages[1])
    for stop in policy.stops:
        yield f"{SENTENCE}stops/{stop.code}", stop.sentence
    for question in policy.questions:
        yield f"{SENTENCE}questions/{question.fact}", question.sentence
    for note in policy.notes:
        yield f"{SENTENCE}notes/{note.code}", note.sentence
    for category in policy.categories:
        if not category.verified:
            continue  # read second-hand: nobody may have it shown
        yield SHOWN + category.key, "on" if category.is_shown else ""


def _sent(posted: QueryDict, name: str, value: str) -> str:
    return typed(posted, name) if name in posted else value


def _of(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
