"""Celery as the transport of jobs: it carries job ids, the database keeps the truth."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdss.settings.production")

HARD_LIMIT_SECONDS = 1800

app = Celery("cdss")
app.conf.update(
    broker_url=settings.BROKER_URL,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=HARD_LIMIT_SECONDS,
    task_soft_time_limit=int(HARD_LIMIT_SECONDS * 0.9),
    # Longer than any task: redelivery by the broker is never the recovery, the sweeper is (docs/architecture.md).
    broker_transport_options={"visibility_timeout": 2 * HARD_LIMIT_SECONDS, "max_retries": 1, "socket_timeout": 30},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_default_queue="assess",
    task_create_missing_queues=True,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    imports=("cdss.jobs.tasks",),
)
