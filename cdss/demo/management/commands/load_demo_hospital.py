"""`python manage.py load_demo_hospital DIR`: the synthetic hospital, into a demonstration's database only."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cdss.accounts.services import TOKEN_PREFIX
from cdss.demo.hospital import hospital_load


class Command(BaseCommand):
    help = "Load the synthetic patients that `python -m ml.synthetic DIR` wrote."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--token-file", type=Path, required=True, help="where the API token is kept, made if absent"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError("This is not a demonstration; synthetic patients are not mixed with real ones.")
        folder: Path = options["folder"]
        if not (folder / "cohort.json").is_file():
            raise CommandError(f"There is no cohort.json in {folder}; write it with python -m ml.synthetic.")
        token = _token(options["token_file"])
        hospital_load(folder=folder, api_token=token, now=timezone.now(), say=self.stdout.write)


def _token(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(TOKEN_PREFIX + "demo_" + secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()
