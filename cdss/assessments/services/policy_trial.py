"""What another policy would change for whom, worked out from the recorded snapshots in one pass over the patients."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.assessments.features import Feature, Features
from cdss.assessments.models import Assessment, FeatureSnapshot, FeatureState, PolicyTrial
from cdss.assessments.policy.document import policy_read
from cdss.assessments.policy.in_force import policy_current
from cdss.assessments.policy.table import Policy
from cdss.assessments.services.estimates import Columns, estimates_make
from cdss.assessments.services.policy import trial_failure_record
from cdss.jobs.registry import ClaimedJob

MOST_PATIENTS_LISTED = 200
AT_A_TIME = 100

Key = tuple[str, str, str, int]  # section, equation, outcome, horizon
Change = dict[str, Any]


@dataclass(slots=True)
class Findings:
    patients: int = 0
    changed: int = 0
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # section, outcome, kind
    listed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, patient_id: uuid.UUID, changes: list[Change]) -> None:
        """Of a number that only some may see nothing is said: a count of one tells who was tested."""
        self.patients += 1
        shown = [{k: v for k, v in item.items() if k != "is_genetic"} for item in changes if not item["is_genetic"]]
        if not shown:
            return
        self.changed += 1
        self.counts.update((change["section"], change["outcome"], change["kind"]) for change in shown)
        if len(self.listed) < MOST_PATIENTS_LISTED:
            self.listed.append({"patient": str(patient_id), "changes": shown})

    def as_json(self) -> dict[str, Any]:
        return {
            "counts": [
                {"section": section, "outcome": outcome, "kind": kind, "count": count}
                for (section, outcome, kind), count in sorted(self.counts.items())
            ],
            "patients": self.listed,
        }


def policy_trial_run(job: ClaimedJob, *, release_name: str) -> Callable[[], None]:
    """The work of POLICY_TRY."""
    trial = PolicyTrial.objects.get(id=job.subject_id)
    organisation = Organisation.objects.get(id=trial.organisation_id)
    findings = trial_findings(
        organisation=organisation,
        tried=policy_read(trial.body),
        release_name=release_name,
        report=job.report,
    )

    def record() -> None:
        PolicyTrial.objects.filter(id=trial.id).update(
            finished_at=Now(),
            error="",
            patients_count=findings.patients,
            changed_count=findings.changed,
            changes=findings.as_json(),
        )

    return record


def policy_trial_failure_record(job: ClaimedJob, code: str, sentence: str) -> None:
    trial_failure_record(job.subject_id, sentence)


def trial_findings(
    *, organisation: Organisation, tried: Policy, release_name: str, report: Callable[[int, str], None]
) -> Findings:
    """Every patient with a current record: the recorded features under the policy in force and under the tried one."""
    base = policy_current(organisation.id).policy
    current = Assessment.objects.filter(organisation=organisation, superseded_by__isnull=True)
    total, findings = current.count(), Findings()
    for patient_id, features in _recorded(organisation):
        before, after = (
            estimates_make(policy=policy, features=features, region=organisation.region, release_name=release_name)
            for policy in (base, tried)
        )
        findings.add(patient_id, changes_between([row for row, _ in before.rows], [row for row, _ in after.rows]))
        if findings.patients % AT_A_TIME == 0:
            report(min(99, 100 * findings.patients // max(total, 1)), f"{findings.patients} of {total} patients")
    return findings


def _recorded(organisation: Organisation) -> Iterator[tuple[uuid.UUID, Features]]:
    current = (
        Assessment.objects.filter(organisation=organisation, superseded_by__isnull=True)
        .select_related("snapshot")
        .prefetch_related("snapshot__features")
        .order_by("patient_id")
    )
    for assessment in current.iterator(chunk_size=AT_A_TIME):
        yield assessment.patient_id, features_recorded(assessment.snapshot)


def features_recorded(snapshot: FeatureSnapshot) -> Features:
    """The features of a snapshot as they were; reason codes and the zone of a day stand in its canonical text only."""
    texts = {item["feature"]: item for item in json.loads(snapshot.body)["features"]}
    return {
        row.feature: Feature(
            row.feature,
            row.title,
            state=FeatureState(row.state),
            value=row.value,
            unit=row.unit,
            source_type=row.source_type,
            source_ids=row.source_ids,
            source=row.source,
            effective_at=_moment(texts.get(row.feature, {}).get("effective_at")),
            rule=row.rule,
            sentence=row.sentence,
            reason_code=texts.get(row.feature, {}).get("reason_code", ""),
            setting=row.setting,
        )
        for row in snapshot.features.all()
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def changes_between(before: list[Columns], after: list[Columns]) -> list[Change]:
    """What differs for one person, row by row."""
    old, new = ({_key(row): row for row in rows} for rows in (before, after))
    found = []
    for key in sorted(old.keys() | new.keys()):
        kind = _kind(old.get(key), new.get(key))
        if kind:
            found.append(_change(key, kind, old.get(key), new.get(key)))
    return found


def _key(row: Columns) -> Key:
    return row["section"], row["equation"], row["outcome"], row["horizon_years"]


def _number(row: Columns | None) -> float | None:
    if row is None:
        return None
    found: float | None = row["risk"] if row["risk"] is not None else row["score"]
    return found


def _kind(old: Columns | None, new: Columns | None) -> str:
    """The first that applies: what a reader would notice most."""
    before, after = _number(old), _number(new)
    if before is None and after is not None:
        return "APPEARS"
    if before is not None and after is None:
        return "DISAPPEARS"
    if before != after:
        return "NUMBER"
    if old is None or new is None:
        return "REFUSAL_ADDED" if old is None else "REFUSAL_REMOVED"
    for name, kind in (("role", "ROLE"), ("reason_code", "REASON")):
        if old[name] != new[name]:
            return kind
    same_words = all(old.get(name) == new.get(name) for name in ("sentence", "notes", "categories"))
    return "" if same_words else "WORDS"


def _change(key: Key, kind: str, old: Columns | None, new: Columns | None) -> Change:
    section, equation, outcome, horizon_years = key
    some = old or new or {}
    return {
        "section": section,
        "equation": equation,
        "outcome": outcome,
        "horizon_years": horizon_years,
        "kind": kind,
        "before": _seen(old),
        "after": _seen(new),
        "is_genetic": some.get("is_genetic", False),
    }


def _seen(row: Columns | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row[name] for name in ("role", "risk", "score", "reason_code", "sentence")}
