"""Each view names the scope it needs, per method; a view that names none is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from cdss.accounts.actors import actor_of

if TYPE_CHECKING:  # rest_framework.views imports this module through its settings
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """`read_scope` for GET, HEAD and OPTIONS, `write_scope` for everything else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        name = "read_scope" if request.method in SAFE_METHODS else "write_scope"
        scope = getattr(view, name, None)
        return bool(scope) and bool(request.user.is_authenticated) and actor_of(request.user).may(str(scope))
