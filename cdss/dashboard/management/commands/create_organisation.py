"""`python manage.py create_organisation SLUG --name NAME --time-zone ZONE`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from cdss.accounts.services import organisation_create
from cdss.core.errors import DomainError
from cdss.dashboard.management.accounts import creation_audit


class Command(BaseCommand):
    help = "Make an organisation; its time zone is used where a sender names none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", required=True, help="IANA name, for example Europe/Vienna")
        parser.add_argument("--region", choices=["US", "EUROPE"], required=True, help="decides which equations")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                organisation = organisation_create(
                    name=options["name"],
                    slug=options["slug"],
                    time_zone=options["time_zone"],
                    region=options["region"],
                )
                creation_audit(
                    action="organisation.created",
                    subject_type="organisation",
                    subject_id=organisation.id,
                    organisation=organisation,
                )
        except DomainError as error:
            raise CommandError(error.sentence) from error
        except IntegrityError as error:
            raise CommandError("An organisation of that slug or name is there already; nothing was made.") from error
        self.stdout.write(f"Organisation {organisation.slug} is there.")
