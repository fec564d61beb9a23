"""`python manage.py verify_audit_log`: exit 0 when the chain is intact, 1 naming the first entry that is not."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from cdss.audit.verifier import chain_verify


class Command(BaseCommand):
    help = "Recompute every hash of the audit log and compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        result = chain_verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"{result.entry_count} entries, head {result.head_hash}. {result.sentence}")
        if not result.is_intact:
            raise SystemExit(1)
