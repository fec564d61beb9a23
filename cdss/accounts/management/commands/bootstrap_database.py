"""`python manage.py bootstrap_database`: the roles and the extension, in a PostgreSQL of your own."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdss.embedded.roles import DATABASE, bootstrap, bootstrap_sql
from cdss.settings.env import env_text


class Command(BaseCommand):
    help = (
        "Create the roles owner, migrator and application and the vector extension. Reads ADMIN_DATABASE_URL,"
        " APP_PASSWORD and MIGRATOR_PASSWORD (or their _FILE forms)."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--print-sql", action="store_true", help="only print the SQL, for a managed PostgreSQL")
        parser.add_argument("--database", default=DATABASE)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_sql"]:
            self.stdout.write(bootstrap_sql(database=options["database"]))
            return
        passwords = {"app_password": env_text("APP_PASSWORD"), "migrator_password": env_text("MIGRATOR_PASSWORD")}
        if len(set(passwords.values())) == 1:
            raise CommandError("APP_PASSWORD and MIGRATOR_PASSWORD must differ: the two roles have different rights.")
        bootstrap(env_text("ADMIN_DATABASE_URL"), database=options["database"], **passwords)
        self.stdout.write(
            f"The roles and the database {options['database']} are there; now run migrate as the migrator."
        )
