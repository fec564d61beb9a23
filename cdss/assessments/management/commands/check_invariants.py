"""`python manage.py check_invariants`: exit 0 when everything that must be true is, 1 listing what is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from cdss.assessments.invariants import broken_invariants


class Command(BaseCommand):
    help = "Check that nothing accepted is lost, nothing is decided twice, and nothing was edited."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = broken_invariants()
        for sentence in broken:
            self.stdout.write(sentence)
        if broken:
            raise SystemExit(1)
        self.stdout.write("Everything accepted is recorded, withheld or waiting; the log is intact.")
