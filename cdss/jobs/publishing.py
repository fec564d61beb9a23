"""Telling the workers: a message that may be lost or doubled without harm."""

from __future__ import annotations

import logging
import uuid

from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from cdss.celery import app
from cdss.jobs.models import Job
from cdss.jobs.steps import QUEUE_OF_STEP, Step

logger = logging.getLogger(__name__)


def job_publish(*, job_id: uuid.UUID, step: Step) -> bool:
    """Say in the job's queue that there is work. When the broker is away the sweeper says it later: False, no error."""
    queue = QUEUE_OF_STEP[step]
    try:
        app.send_task("cdss.jobs.run", args=[queue], queue=queue, retry=False, ignore_result=True)
    except (BrokerError, RedisError, OSError) as error:
        logger.warning("job %s not published, the sweeper will: %s", job_id, type(error).__name__)
        return False
    Job.objects.filter(id=job_id).update(published_at=Now())
    return True
