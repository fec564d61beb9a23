import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models

from cdss.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("patients", "0002_append_only"),
        ("core", "0001_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedObservation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("code_system", models.TextField()),
                ("code", models.TextField()),
                ("value", models.TextField()),
                ("unit", models.TextField(blank=True)),
                ("value_code", models.TextField(blank=True)),
                (
                    "setting",
                    models.TextField(
                        choices=[
                            ("ambulatory", "Ambulatory"),
                            ("inpatient", "Inpatient"),
                            ("emergency", "Emergency"),
                            ("unknown", "Not stated"),
                        ],
                        default="unknown",
                    ),
                ),
                ("effective_at", models.DateTimeField()),
                ("source", models.TextField()),
                ("source_id", models.TextField(null=True)),
                ("content_sha256", models.BinaryField(max_length=32)),
                ("reason_code", models.TextField()),
                ("sentence", models.TextField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organisation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="accounts.organisation"),
                ),
                ("patient", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="patients.patient")),
            ],
            options={
                "indexes": [models.Index(fields=["patient", "code"], name="refused_observation_by_code")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "source", "content_sha256"), name="refused_observation_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason_code", ""), _negated=True), models.Q(("sentence", ""), _negated=True)
                        ),
                        name="refused_observation_has_reason",
                    ),
                ],
            },
        ),
        AppendOnly("patients_refusedobservation"),
    ]
