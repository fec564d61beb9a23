import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

from cdss.core.same_organisation import OrganisationKey, SameOrganisation

KEYS = [
    "patients_patient",
    "patients_observation",
    "patients_condition",
    "patients_medicationstatement",
]
REFERENCES = [
    ("patients_patientidentifier", "patient_id", "patients_patient"),
    ("patients_refusedobservation", "patient_id", "patients_patient"),
    ("patients_observation", "patient_id", "patients_patient"),
    ("patients_observation", "replaces_id", "patients_observation"),
    ("patients_condition", "patient_id", "patients_patient"),
    ("patients_condition", "replaces_id", "patients_condition"),
    ("patients_medicationstatement", "patient_id", "patients_patient"),
    ("patients_medicationstatement", "replaces_id", "patients_medicationstatement"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_checks"),
        ("patients", "0003_refused_observation"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="condition",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "resolved", "refuted", "entered-in-error"])),
                name="condition_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="condition",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("content_sha256"), 32),
                name="condition_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="medicationstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "stopped", "entered-in-error"])),
                name="medication_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="medicationstatement",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("content_sha256"), 32),
                name="medication_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["final", "corrected", "entered-in-error"])),
                name="observation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=models.Q(("setting__in", ["ambulatory", "inpatient", "emergency", "unknown"])),
                name="observation_setting_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("content_sha256"), 32),
                name="observation_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="refusedobservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("setting__in", ["ambulatory", "inpatient", "emergency", "unknown"])),
                name="refused_observation_setting_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="refusedobservation",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("content_sha256"), 32),
                name="refused_observation_sha256",
            ),
        ),
        *(OrganisationKey(table) for table in KEYS),
        *(SameOrganisation(*reference) for reference in REFERENCES),
    ]
