from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0005_worklist_headline"),
    ]

    operations = [
        migrations.AddField(
            model_name="worklistentry",
            name="cardiovascular_refusal",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="assessments.riskestimate"
            ),
        ),
    ]
