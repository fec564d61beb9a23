from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from cdss.core.same_organisation import SameOrganisation


def refusals_fill(apps: Any, schema_editor: Any) -> None:
    """For the records there are: what `cardiovascular_refusal_of` says of those made from now on."""
    entries, estimates = (apps.get_model("assessments", name) for name in ("WorklistEntry", "RiskEstimate"))
    is_leading = Q(role="PRIMARY") | Q(role="SECOND", notes__contains=[{"code": "FH_RANGE"}])
    elsewhere = entries.objects.filter(headline__isnull=False).exclude(headline__section="CARDIOVASCULAR")
    for entry in elsewhere.iterator():
        leading = estimates.objects.filter(
            is_leading, assessment_id=entry.assessment_id, section="CARDIOVASCULAR", is_genetic=False
        )
        if not leading.filter(reason_code="").exists():
            first = sorted(leading, key=lambda row: (row.role == "PRIMARY", row.position))[:1]
            entries.objects.filter(pk=entry.pk).update(cardiovascular_refusal_id=first[0].id if first else None)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0006_checks_and_same_organisation"),
    ]

    operations = [
        migrations.AddField(
            model_name="worklistentry",
            name="cardiovascular_refusal",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="assessments.riskestimate"
            ),
        ),
        # Before the deferred reference: its pending checks of the filled rows would keep the index, made at the end of
        # the migration, from being made. Django's own reference is checked at once.
        migrations.RunPython(refusals_fill, migrations.RunPython.noop),
        SameOrganisation("assessments_worklistentry", "cardiovascular_refusal_id", "assessments_riskestimate"),
    ]
