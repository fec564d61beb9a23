"""The policy in force, for whoever reads its records."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.assessments.api.serializers import PolicyResource
from cdss.assessments.policy.in_force import policy_current_visible_to
from patients.api.base import ApiView
from patients.api.openapi import operation


class PolicyView(ApiView):
    read_scope = scopes.POLICY_READ

    @operation(
        operation_id="policy_retrieve",
        summary="Which equation for whom: the policy in force",
        description="Stops, questions, rows and guidelines' words as data, with the version and hash that decision "
        "records name, since when it is in force, by whom and why.",
        tag="policy",
        responses={200: PolicyResource},
    )
    def get(self, request: Request) -> Response:
        return Response(PolicyResource(policy_current_visible_to(self.actor)).data)
