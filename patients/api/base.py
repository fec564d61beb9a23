"""What every REST view shares: who acts, a body within limits, and the trace that reading a record leaves."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.serializers import Serializer, ValidationError
from rest_framework.views import APIView

from cdss.accounts.actors import Actor, actor_of
from cdss.audit.services import audit_append
from cdss.core.errors import NotFoundError
from patients.api.parsing import ExactJsonParser, body_read, length_check


class ApiView(APIView):
    """Thin by design: parse, call one service or selector, answer."""

    parser_classes = [ExactJsonParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        length_check(request)
        super().initial(request, *args, **kwargs)
        body_read(request)

    @property
    def actor(self) -> Actor:
        return actor_of(self.request.user)

    @property
    def organisation_id(self) -> uuid.UUID:
        organisation_id = self.actor.organisation_id
        if organisation_id is None:  # nobody of no organisation passes the permission check
            raise NotFoundError
        return organisation_id


def body_parsed(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    return _parsed(serializer, {} if isinstance(request.data, QueryDict) else request.data)


def query_parsed(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The query parameters; unknown and doubled ones are refused, so that a misspelt filter never lists everything."""
    doubled = [name for name, values in request.query_params.lists() if len(values) > 1]
    if doubled:
        raise ValidationError({name: ["This parameter is given twice."] for name in doubled})
    return _parsed(serializer, request.query_params.dict())


def _parsed(serializer: type[Serializer[Any]], content: Any) -> dict[str, Any]:
    bound = serializer(data=content)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


def record_viewed(actor: Actor, *, patient_id: uuid.UUID, what: str) -> None:
    """Somebody read one patient's record."""
    audit_append(
        actor=actor,
        action="patient.viewed",
        subject_type="patient",
        subject_id=patient_id,
        patient_id=patient_id,
        details={"via": "api", "what": what},
    )


def list_viewed(actor: Actor, *, what: str, count: int, patient_id: uuid.UUID | None = None) -> None:
    """Somebody read rows of one patient, or of many."""
    if patient_id is not None and count:
        record_viewed(actor, patient_id=patient_id, what=what)
        return
    audit_append(
        actor=actor,
        action="patients.listed",
        subject_type="organisation",
        subject_id=actor.organisation_id,
        details={"via": "api", "what": what, "count": count},
    )
