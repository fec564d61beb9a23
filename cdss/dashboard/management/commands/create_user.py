"""`python manage.py create_user USERNAME --organisation SLUG --role ROLE --full-name NAME`; asks for the password."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from cdss.accounts.models import Role
from cdss.accounts.services import user_create
from cdss.dashboard.management.accounts import creation_audit, organisation_named


class Command(BaseCommand):
    help = "Make a person's account. The password is asked for, or read from standard input with --password-stdin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--organisation", required=True, metavar="SLUG")
        parser.add_argument("--role", choices=Role.values, required=True)
        parser.add_argument("--full-name", required=True)
        parser.add_argument("--may-see-genetics", action="store_true", help="sees genetic test results and their risks")
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation = organisation_named(options["organisation"])
        password = input() if options["password_stdin"] else getpass.getpass()
        try:
            with transaction.atomic():
                user = user_create(
                    organisation=organisation,
                    username=options["username"],
                    full_name=options["full_name"],
                    role=Role(options["role"]),
                    password=password,
                    may_see_genetics=options["may_see_genetics"],
                )
                creation_audit(
                    action="user.created", subject_type="user", subject_id=user.id, organisation=organisation
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"There is a user {options['username']!r} already; nothing was made.") from error
        self.stdout.write(f"User {user.username} ({user.role}) is there.")
