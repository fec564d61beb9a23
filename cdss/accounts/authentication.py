"""`Authorization: Bearer <token>` for hospital systems."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from cdss.accounts.attempts import attempt_begin, attempts_forget
from cdss.accounts.models import ApiClient, User
from cdss.accounts.services import token_digest


def api_client_of(request: HttpRequest | Request) -> ApiClient | None:
    """The client whose token the request carries; None when it carries none; AuthenticationFailed when it is bad."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    client = ApiClient.objects.select_related("organisation").filter(token_sha256=token_digest(token.strip())).first()
    if client is None or client.revoked_at or (client.expires_at and client.expires_at <= timezone.now()):
        raise AuthenticationFailed("The token is unknown, expired or revoked.")
    if client.is_demonstration and not settings.DEMONSTRATION:
        raise AuthenticationFailed("The token is one of the demonstration's, which this installation refuses.")
    return client


class PasswordBackend(ModelBackend):
    """Django's own, with attempts counted, and the demonstration's published passwords opening nothing elsewhere."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """TooManyAttemptsError, which the middleware answers, before the password is even looked at."""
        attempts = attempt_begin(request, username or "") if request is not None else ""
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if isinstance(user, User) and attempts:
            attempts_forget(attempts)
        return user

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        is_demonstration = getattr(user, "is_demonstration", False)
        return super().user_can_authenticate(user) and (settings.DEMONSTRATION or not is_demonstration)


class ApiTokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[ApiClient, None] | None:
        client = api_client_of(request)
        return (client, None) if client else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is untyped here
    target_class = "cdss.accounts.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
