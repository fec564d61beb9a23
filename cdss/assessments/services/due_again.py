"""Finding records that no longer say what is true: time has changed a feature, or the policy or release is another."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.assessments.models import PolicyInEffect, WorklistEntry
from cdss.assessments.policy.in_force import DEFAULT_SHA256, policies_sha256
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step

MOST_A_ROUND = 100
BEHIND_NEW_FACTS = 7  # a new fact is assessed before what only grew older

# An entry loses its moment here; the assessment that follows sets the next one. ARRAY runs the inner query once: under
# IN the planner may run it again for each row, and each time it locks and returns more.
_DUE = """
UPDATE assessments_worklistentry SET reassess_at = NULL
WHERE patient_id = ANY (ARRAY(SELECT patient_id FROM assessments_worklistentry
                              WHERE reassess_at <= clock_timestamp()
                              ORDER BY reassess_at LIMIT %(most)s FOR UPDATE SKIP LOCKED))
RETURNING patient_id, organisation_id
"""


def records_made_again(*, release: str) -> int:
    """One round: note what changed for whole organisations, then ask for at most a hundred assessments."""
    _organisations_note(release)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"most": MOST_A_ROUND})
            due = cursor.fetchall()
        for patient_id, organisation_id in due:
            job_enqueue(
                step=Step.PATIENT_ASSESS,
                organisation_id=organisation_id,
                subject_id=patient_id,
                priority=BEHIND_NEW_FACTS,
            )
    return len(due)


def _organisations_note(release: str) -> None:
    """Where the policy or the release is not the one the records were last made for, those made before are due."""
    policies = policies_sha256()
    known = {row.organisation_id: (row.policy_sha256, row.release) for row in PolicyInEffect.objects.all()}
    for organisation_id in Organisation.objects.values_list("id", flat=True):
        wanted = (policies.get(organisation_id, DEFAULT_SHA256), release)
        if known.get(organisation_id) == wanted:
            continue
        with transaction.atomic():
            PolicyInEffect.objects.update_or_create(
                organisation_id=organisation_id,
                defaults={"policy_sha256": wanted[0], "release": wanted[1], "updated_at": Now()},
            )
            WorklistEntry.objects.filter(organisation_id=organisation_id).exclude(
                assessment__policy_sha256=wanted[0], assessment__release=release
            ).update(reassess_at=Now())
