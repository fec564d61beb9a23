"""Reading accounts."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from cdss.accounts.models import User


def user_names(*, organisation_id: uuid.UUID, user_ids: Collection[uuid.UUID]) -> dict[str, str]:
    """The names behind ids, of one organisation."""
    if not user_ids:
        return {}
    found = User.objects.filter(organisation_id=organisation_id, id__in=user_ids).values_list("id", "full_name")
    return {str(user_id): name for user_id, name in found}
