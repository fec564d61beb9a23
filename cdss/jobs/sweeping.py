"""Finding work by its status: a lost message costs seconds, not a patient. Several sweepers may run."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from cdss.accounts.models import IdempotentRequest
from cdss.jobs.publishing import job_publish
from cdss.jobs.registry import SWEEPS, ClaimedJob
from cdss.jobs.running import failure_record
from cdss.jobs.steps import Step

logger = logging.getLogger(__name__)

# Each message is only a hint, so one that may have been lost is simply sent again: soon, and of what has waited long in
# a long queue more and more seldom, or a night of studies would fill the broker with messages that say the same.
_DUE = """
SELECT id, step FROM jobs_job
WHERE (published_at IS NULL OR published_at < lease_until OR published_at < clock_timestamp() -
       CASE state WHEN 'RUNNING' THEN interval '10 seconds'
       ELSE greatest(interval '10 seconds', least(published_at - enqueued_at, interval '5 minutes')) END)
  AND ((state = 'QUEUED' AND not_before <= clock_timestamp())
       OR (state = 'RUNNING' AND lease_until < clock_timestamp() AND attempt < %(most)s))
ORDER BY priority, enqueued_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
# ARRAY runs the inner query once; under IN the planner may run it again for each row.
_EXHAUSTED = """
UPDATE jobs_job
SET state = 'FAILED', finished_at = clock_timestamp(), progress = 0, error_code = %(code)s,
    error_sentence = %(sentence)s
WHERE id = ANY (ARRAY(SELECT id FROM jobs_job
                      WHERE state = 'RUNNING' AND lease_until < clock_timestamp() AND attempt >= %(most)s
                      ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED))
RETURNING id, step, organisation_id, subject_id, as_of, attempt
"""


def jobs_sweep() -> int:
    """One round: publish what is due, give up what has died too often, and let each app look for its own work.

    What one of them cannot do is no reason for the others to stop; without the database none of them can.
    """
    done = 0
    for function in (_publish_due, _give_up, _forget_requests, *SWEEPS):
        try:
            done += function()
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("%s failed; the next round tries again", function.__name__)
    return done


def _forget_requests() -> int:
    """Stored answers hold patient data and serve retries only: after a week nobody retries."""
    return IdempotentRequest.objects.filter(created_at__lt=Now() - timedelta(days=7)).delete()[0]


def _publish_due() -> int:
    published = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DUE, {"most": settings.JOB_MAX_ATTEMPTS})
        for job_id, step in cursor.fetchall():
            if not job_publish(job_id=job_id, step=Step(step)):
                break  # the broker is away: the rows are not held locked while a hundred messages time out
            published += 1
    return published


def _give_up() -> int:
    """A job whose worker dies every time (out of memory, say) must not loop for ever. One transaction each."""
    code, sentence = "WORKER_LOST", "The worker stopped while working on this, every time; it was given up."
    for count in range(100):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_EXHAUSTED, {"most": settings.JOB_MAX_ATTEMPTS, "code": code, "sentence": sentence})
            row = cursor.fetchone()
            if row is None:
                return count
            job_id, step, organisation_id, subject_id, as_of, attempt = row
            job = ClaimedJob(job_id, organisation_id, subject_id, as_of, attempt, lambda percent, phrase: None)
            failure_record(Step(step), job, code, sentence)
    return 100
