"""What the account commands share: the acting system, its audit entry, and errors as sentences."""

from __future__ import annotations

from django.core.management.base import CommandError

from cdss.accounts.actors import system_actor
from cdss.accounts.models import Organisation
from cdss.audit.services import audit_append


def organisation_named(slug: str) -> Organisation:
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        known = ", ".join(Organisation.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no organisation {slug!r}; there are: {known}.")
    return organisation


def creation_audit(*, action: str, subject_type: str, subject_id: object, organisation: Organisation) -> None:
    audit_append(
        actor=system_actor("command line", organisation.id),
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        organisation_id=organisation.id,
    )
