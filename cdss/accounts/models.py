"""Who may act: organisations, people with one role, and API clients with scoped tokens."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now

from cdss.core.checks import is_sha256


class Region(models.TextChoices):
    US = "US", "United States"
    EUROPE = "EUROPE", "Europe"


class Organisation(models.Model):
    """A hospital. Every row that holds or points to patient data names one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(unique=True)
    slug = models.SlugField(unique=True)
    time_zone = models.TextField(default="UTC")  # DICOM and HL7 times without an offset are read in it
    region = models.TextField(choices=Region.choices, default=Region.US)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(region__in=Region.values), name="organisation_region_known")
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    CLINICIAN = "CLINICIAN", "Clinician"
    AUDITOR = "AUDITOR", "Auditor"
    ADMINISTRATOR = "ADMINISTRATOR", "Administrator"


class UserManager(BaseUserManager["User"]):
    """Finds people by user name; they are made by `cdss.accounts.services.user_create`."""


class User(AbstractBaseUser):
    """A person. `full_name` is copied into the audit log, so it outlives the account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="users")
    username = models.TextField(unique=True)
    full_name = models.TextField()
    role = models.TextField(choices=Role.choices)
    is_active = models.BooleanField(default=True)
    may_see_genetics = models.BooleanField(default=False, db_default=False)  # whatever the role
    is_demonstration = models.BooleanField(default=False)  # a published password: refused outside a demonstration
    created_at = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["full_name", "role"]
    objects = UserManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known")]

    def __str__(self) -> str:
        return self.username


class ApiClient(models.Model):
    """A hospital system. Its token is shown once; only its SHA-256 is kept (256 random bits need no slow hash)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="api_clients")
    name = models.TextField()
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField()
    is_demonstration = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="api_client_name_unique"),
            models.CheckConstraint(condition=is_sha256("token_sha256"), name="api_client_token_sha256"),
        ]

    def __str__(self) -> str:
        return self.name

    # What django.contrib.auth and Django REST framework ask of whoever is in `request.user`.
    is_authenticated = True
    is_anonymous = False
    is_active = True


class IdempotentRequest(models.Model):
    """What a caller was answered under one Idempotency-Key, written in the transaction of the act itself."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    actor_identifier = models.TextField()
    key = models.TextField()
    method_and_path = models.TextField()
    request_sha256 = models.BinaryField(max_length=32)
    response_status = models.SmallIntegerField()
    response_body = models.TextField()  # the JSON text as it was sent
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotent_request_by_age")]
        constraints = [
            models.UniqueConstraint(fields=["actor_identifier", "key"], name="idempotent_request_once"),
            models.CheckConstraint(condition=is_sha256("request_sha256"), name="idempotent_request_sha256"),
            # A refused request does not use up its key.
            models.CheckConstraint(
                condition=models.Q(response_status__gte=200, response_status__lt=400), name="idempotent_request_done"
            ),
        ]
