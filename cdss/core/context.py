"""What every template may show."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def environment(request: HttpRequest) -> dict[str, str]:
    return {"environment_label": settings.ENVIRONMENT_LABEL, "csp_nonce": getattr(request, "csp_nonce", "")}
