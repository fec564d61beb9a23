"""`python manage.py create_api_client NAME --organisation SLUG --scopes studies.write,...`; prints the token once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.services import api_client_create
from cdss.core.errors import DomainError
from cdss.dashboard.management.accounts import creation_audit, organisation_named


class Command(BaseCommand):
    help = "Make a hospital system's access. The token is printed once and cannot be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        known = ",".join(sorted(scopes.OF_INTEGRATION))
        parser.add_argument("name")
        parser.add_argument("--organisation", required=True, metavar="SLUG")
        parser.add_argument("--scopes", default=known, help=f"comma separated, as {known}; genetics.read by name only")
        parser.add_argument("--days", type=int, default=365, help="until the token expires")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = organisation_named(options["organisation"])
        if options["days"] < 1:
            raise CommandError("A token lives at least one day.")
        try:
            with transaction.atomic():
                client, token = api_client_create(
                    organisation=organisation,
                    name=options["name"],
                    scopes=options["scopes"].split(","),
                    expires_at=timezone.now() + timedelta(days=options["days"]),
                )
                creation_audit(
                    action="api_client.created",
                    subject_type="api_client",
                    subject_id=client.id,
                    organisation=organisation,
                )
        except DomainError as error:
            raise CommandError(error.sentence) from error
        except IntegrityError as error:
            raise CommandError(f"There is a client {options['name']!r} already; nothing was made.") from error
        self.stdout.write(token)
