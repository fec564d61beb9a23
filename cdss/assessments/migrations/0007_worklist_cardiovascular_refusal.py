from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from cdss.core.same_organisation import SameOrganisation


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
        SameOrganisation("assessments_worklistentry", "cardiovascular_refusal_id", "assessments_riskestimate"),
    ]
