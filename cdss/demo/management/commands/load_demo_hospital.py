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
from cdss.demo.hospital import foreign_organisation, hospital_load, hospital_state, token_renew


class Command(BaseCommand):
    help = "Load the synthetic patients that `python -m ml.synthetic DIR` wrote."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?")
        parser.add_argument(
            "--token-file", type=Path, required=True, help="where the API token is kept, made if absent"
        )
        parser.add_argument("--state", action="store_true", help="change nothing; say what the database holds of it")
        parser.add_argument("--patients", type=int, default=1, help="with --state: how many make it complete")
        parser.add_argument("--renew-token", action="store_true", help="only let the file's token be the valid one")
        parser.add_argument(
            "--database-is-ours", action="store_true", help="the demonstration made it: all organisations in it are its"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMONSTRATION:
            raise CommandError("This is not a demonstration; synthetic patients are not mixed with real ones.")
        foreign = foreign_organisation(is_our_database=options["database_is_ours"])
        if foreign is not None:
            raise CommandError(
                f"The database already holds {foreign!r}, which is not the demonstration's; synthetic patients are not "
                "mixed with real ones: name an empty database in DATABASE_URL."
            )
        token_file: Path = options["token_file"]
        if options["state"]:
            token = _token(token_file) if token_file.exists() else None
            self.stdout.write(hospital_state(patients=options["patients"], api_token=token))
        elif options["renew_token"]:
            token_renew(api_token=_token(token_file))
        else:
            self._load(options["folder"], token_file)

    def _load(self, folder: Path | None, token_file: Path) -> None:
        if folder is None or not (folder / "cohort.json").is_file():
            raise CommandError(f"There is no cohort.json in {folder}; write it with python -m ml.synthetic.")
        hospital_load(folder=folder, api_token=_token(token_file), now=timezone.now(), say=self.stdout.write)


def _token(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(TOKEN_PREFIX + "demo_" + secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()
