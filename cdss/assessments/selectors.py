"""Reading records. Every way to one starts from `assessments_visible_to`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Prefetch, QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.assessments.models import (
    Assessment,
    AssessmentReview,
    RiskEstimate,
    SnapshotFeature,
    WorklistEntry,
    WorklistState,
)
from cdss.core.errors import NotFoundError
from patients.selectors import patients_search
from patients.terminology import GENETIC_FEATURES


def assessments_visible_to(actor: Actor) -> QuerySet[Assessment]:
    if not actor.may(scopes.ASSESSMENTS_READ) or actor.organisation_id is None:
        return Assessment.objects.none()
    return Assessment.objects.filter(organisation_id=actor.organisation_id)


def assessment_visible_to(actor: Actor, assessment_id: uuid.UUID) -> Assessment:
    assessment = assessments_visible_to(actor).select_related("snapshot", "patient").filter(id=assessment_id).first()
    if assessment is None:
        raise NotFoundError
    return assessment


def estimates_of_records(actor: Actor) -> QuerySet[RiskEstimate]:
    """The estimates that this reader may see of records that he may see, in their order."""
    estimates = RiskEstimate.objects.order_by("position")
    return estimates if actor.may(scopes.GENETICS_READ) else estimates.filter(is_genetic=False)


def features_of_snapshots(actor: Actor) -> QuerySet[SnapshotFeature]:
    features = SnapshotFeature.objects.order_by("id")
    return features if actor.may(scopes.GENETICS_READ) else features.exclude(feature__in=GENETIC_FEATURES)


def assessments_detailed(actor: Actor) -> QuerySet[Assessment]:
    """With estimates, shares, features and reviews, in a fixed number of queries."""
    estimates = estimates_of_records(actor).prefetch_related("attributions")
    reviews = AssessmentReview.objects.order_by("reviewed_at")
    return (
        assessments_visible_to(actor)
        .select_related("snapshot", "superseded_by")
        .prefetch_related(
            Prefetch("estimates", estimates),
            Prefetch("reviews", reviews),
            Prefetch("snapshot__features", features_of_snapshots(actor)),
        )
    )


def assessment_current(actor: Actor, patient_id: uuid.UUID) -> Assessment | None:
    """The record that no newer one supersedes."""
    return assessments_detailed(actor).filter(patient_id=patient_id, superseded_by__isnull=True).first()


def worklist(actor: Actor, *, state: str = WorklistState.NEW) -> QuerySet[WorklistEntry]:
    """Who waits longest comes first: never ordered by a ten-year risk, so that a refused patient does not sink."""
    if not actor.may(scopes.ASSESSMENTS_READ) or actor.organisation_id is None:
        return WorklistEntry.objects.none()
    entries = WorklistEntry.objects.filter(organisation_id=actor.organisation_id)
    entries = entries.select_related("patient", "headline", "cardiovascular_refusal")
    if state:
        entries = entries.filter(state=state)
    return entries.order_by("waiting_since", "patient_id")


def superseded_notices(actor: Actor) -> QuerySet[AssessmentReview]:
    """The actor's own answers to records that a newer one has replaced since, and that nobody has answered yet."""
    return (
        AssessmentReview.objects.filter(
            reviewer_id=actor.identifier,
            assessment__in=assessments_visible_to(actor),
            assessment__superseded_by__isnull=False,
            assessment__patient__worklist_entry__state=WorklistState.NEW,
        )
        .select_related("assessment__patient")
        .order_by("-reviewed_at")
    )


@dataclass(frozen=True, slots=True)
class WorklistPage:
    """One page of the worklist, how many wait in all, and a mark that differs when the list has changed."""

    entries: list[WorklistEntry]
    count: int
    mark: str
    has_more: bool


def worklist_filtered(actor: Actor, *, state: str, text: str) -> QuerySet[WorklistEntry]:
    """`state` empty is every state; `text` is words of a name, or an identifier."""
    entries = worklist(actor, state=state)
    if text.strip():
        entries = entries.filter(patient__in=patients_search(actor, text).order_by().values("id"))
    return entries


def worklist_page(
    actor: Actor, *, state: str, text: str, after: tuple[datetime, uuid.UUID] | None, size: int
) -> WorklistPage:
    """The page after the entry named by (waiting_since, patient)."""
    entries = worklist_filtered(actor, state=state, text=text)
    count, mark = worklist_mark(entries)
    if after is not None:
        since, patient_id = after
        entries = entries.filter(waiting_since__gte=since).exclude(waiting_since=since, patient_id__lte=patient_id)
    entries = entries.select_related("patient__organisation", "headline", "cardiovascular_refusal")
    found = list(entries.prefetch_related("patient__identifiers")[: size + 1])
    return WorklistPage(found[:size], count, mark, len(found) > size)


def worklist_mark(entries: QuerySet[WorklistEntry]) -> tuple[int, str]:
    """How many entries there are, and a text that changes when one comes, goes or is replaced."""
    totals = entries.order_by().aggregate(count=Count("patient_id"), newest=Max("assessment__recorded_at"))
    newest = totals["newest"].isoformat() if totals["newest"] else "-"
    return totals["count"], f"{totals['count']}/{newest}"


def assessment_history(actor: Actor, patient_id: uuid.UUID) -> QuerySet[Assessment]:
    """A patient's records, newest first, with their estimates and answers."""
    return (
        assessments_visible_to(actor)
        .filter(patient_id=patient_id)
        .prefetch_related(Prefetch("estimates", estimates_of_records(actor)), "reviews")
        .order_by("-recorded_at", "-id")
    )
