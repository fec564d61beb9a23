"""Enqueue in the caller's transaction; claim, run and finish each in one of their own."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import connection, transaction

from cdss.jobs.publishing import job_publish
from cdss.jobs.steps import Step

_ENQUEUE = """
INSERT INTO jobs_job (id, organisation_id, step, subject_id, idempotency_key, state, priority, attempt, progress,
                      progress_phrase, error_code, error_sentence, as_of, not_before, enqueued_at)
VALUES (%(id)s, %(organisation)s, %(step)s, %(subject)s, %(key)s, 'QUEUED', %(priority)s, 0, 0, '', '', '',
        clock_timestamp(), clock_timestamp() + make_interval(secs => %(delay)s), clock_timestamp())
"""
_ON_KEY = "ON CONFLICT (idempotency_key) DO NOTHING RETURNING id"
# A waiting assessment will see everything committed before it runs: moving its `as_of` is enough. The row lock taken
# here holds back the worker's claim until this transaction ends, so nothing slips between. Whoever waits the least
# decides when it runs: a reader's confirmation is not held up by a debounce, nor by the pause after a failure.
_ON_WAITING = """
ON CONFLICT (step, subject_id) WHERE (state = 'QUEUED' AND step = 'PATIENT_ASSESS')
DO UPDATE SET as_of = clock_timestamp(), not_before = least(jobs_job.not_before, excluded.not_before),
    priority = least(jobs_job.priority, excluded.priority) RETURNING id
"""


def job_enqueue(
    *,
    step: Step,
    organisation_id: uuid.UUID,
    subject_id: uuid.UUID,
    idempotency_key: str | None = None,
    delay: timedelta = timedelta(0),
    priority: int = 5,
) -> uuid.UUID | None:
    """Insert the job in the caller's transaction and publish it after commit; None when the key was used before."""
    conflict = _ON_WAITING if step == Step.PATIENT_ASSESS else _ON_KEY
    with connection.cursor() as cursor:
        cursor.execute(
            _ENQUEUE + conflict,
            {
                "id": uuid.uuid4(),
                "organisation": organisation_id,
                "step": step.value,
                "subject": subject_id,
                "key": idempotency_key,
                "priority": priority,
                "delay": delay.total_seconds(),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    job_id: uuid.UUID = row[0]
    if not delay:
        transaction.on_commit(lambda: job_publish(job_id=job_id, step=step))
    return job_id
