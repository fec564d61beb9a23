"""`python manage.py run_sweeper`: looks for work by status until it is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from cdss.jobs.sweeping import jobs_sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Publish due jobs, recover abandoned ones, mark quiet series ready."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--interval", type=float, default=1.0, help="seconds between two rounds")
        parser.add_argument("--once", action="store_true", help="one round, then exit")
        parser.add_argument("--alive-file", type=Path, help="touched after each round that the database answered")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._rounds(stop, options)
        finally:  # called inside another program, which wants its own Ctrl-C back
            for number, handler in before.items():
                signal.signal(number, handler)

    @staticmethod
    def _rounds(stop: threading.Event, options: dict[str, Any]) -> None:
        while not stop.is_set():
            try:
                jobs_sweep()
                if options["alive_file"] is not None:
                    options["alive_file"].touch()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the sweeper waits for the database: %s", type(error).__name__)
                connection.close()
            if options["once"]:
                return
            stop.wait(options["interval"])
