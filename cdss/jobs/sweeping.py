"""Finding work by its status: a lost message costs seconds, not a patient. Several sweepers may run."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from cdss.jobs.publishing import job_publish
from cdss.jobs.registry import HANDLERS, SWEEPS, ClaimedJob
from cdss.jobs.running import failure_record
from cdss.jobs.steps import Step

_DUE = """
SELECT id, step FROM jobs_job
WHERE (state = 'QUEUED' AND not_before <= clock_timestamp()
       AND (published_at IS NULL OR published_at < clock_timestamp() - interval '10 seconds'))
   OR (state = 'RUNNING' AND lease_until < clock_timestamp() AND attempt < %(most)s
       AND (published_at IS NULL OR published_at < lease_until OR published_at < clock_timestamp() - interval '10 seconds'))
ORDER BY priority, enqueued_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
_EXHAUSTED = """
UPDATE jobs_job SET state = 'FAILED', finished_at = clock_timestamp(), error_code = %(code)s, error_sentence = %(sentence)s
WHERE id IN (SELECT id FROM jobs_job WHERE state = 'RUNNING' AND lease_until < clock_timestamp() AND attempt >= %(most)s
             LIMIT 10 FOR UPDATE SKIP LOCKED)
RETURNING id, step, organisation_id, subject_id, as_of, attempt
"""


def jobs_sweep() -> int:
    """One round: publish what is due, give up what has died too often, and let each app look for its own work."""
    return _publish_due() + _give_up() + sum(function() for function in SWEEPS)


def _publish_due() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DUE, {"most": settings.JOB_MAX_ATTEMPTS})
        return sum(job_publish(job_id=job_id, step=Step(step)) for job_id, step in cursor.fetchall())


def _give_up() -> int:
    """A job whose worker dies every time (out of memory, say) must not loop for ever."""
    code, sentence = "WORKER_LOST", "The worker stopped while working on this, every time; it was given up."
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXHAUSTED, {"most": settings.JOB_MAX_ATTEMPTS, "code": code, "sentence": sentence})
        rows = cursor.fetchall()
        for job_id, step, organisation_id, subject_id, as_of, attempt in rows:
            job = ClaimedJob(job_id, organisation_id, subject_id, as_of, attempt, lambda percent, phrase: None)
            HANDLERS[Step(step)].on_failed(job, code, sentence)
            failure_record(Step(step), job, code)
    return len(rows)
