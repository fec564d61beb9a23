"""Links to what the signed-in person may open."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from cdss.accounts import scopes
from cdss.accounts.actors import actor_of
from cdss.accounts.models import Role, User

register = template.Library()

LINKS = (
    (scopes.ASSESSMENTS_READ, "worklist", "Worklist"),
    (scopes.PATIENTS_READ, "patients", "Patients"),
    (scopes.QUARANTINE_RESOLVE, "quarantine", "Kept apart"),
    (scopes.POLICY_READ, "policy", "Policy"),
    (scopes.AUDIT_READ, "audit-log", "Audit log"),
    ("", "about-release", "About"),
)


@register.inclusion_tag("components/_navigation.html", takes_context=True)
def navigation(context: template.Context) -> dict[str, Any]:
    """Empty on a page that nobody is signed in on, and where an error came before the session was read."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if not isinstance(user, User) or request is None:
        return {"links": []}
    actor = actor_of(user)
    links = [
        {"address": reverse(name), "title": title, "is_here": request.path == reverse(name)}
        for scope, name, title in LINKS
        if not scope or actor.may(scope)
    ]
    return {
        "links": links,
        "name": user.full_name,
        "role": Role(user.role).label,
        "organisation": user.organisation.name,
        "csrf_token": context.get("csrf_token"),
    }
