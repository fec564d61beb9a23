import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

from cdss.core.same_organisation import OrganisationKey, SameOrganisation

KEYS = [
    "imaging_study",
    "imaging_series",
    "imaging_seriesversion",
    "imaging_keyimage",
    "imaging_calciumreading",
]
REFERENCES = [
    ("imaging_study", "patient_id", "patients_patient"),
    ("imaging_series", "study_id", "imaging_study"),
    ("imaging_instance", "series_id", "imaging_series"),
    ("imaging_seriesversion", "series_id", "imaging_series"),
    ("imaging_seriesresult", "series_version_id", "imaging_seriesversion"),
    ("imaging_measurement", "patient_id", "patients_patient"),
    ("imaging_measurement", "series_version_id", "imaging_seriesversion"),
    ("imaging_measurement", "reading_id", "imaging_calciumreading"),
    ("imaging_keyimage", "series_version_id", "imaging_seriesversion"),
    ("imaging_calciumcandidate", "series_version_id", "imaging_seriesversion"),
    ("imaging_calciumcandidate", "key_image_id", "imaging_keyimage"),
    ("imaging_calciumreading", "series_version_id", "imaging_seriesversion"),
    ("imaging_quarantine", "patient_id", "patients_patient"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0004_checks_and_same_organisation"),
        ("accounts", "0003_checks"),
        ("imaging", "0003_metal_reading"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="instance",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("sha256"), 32),
                name="instance_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="keyimage",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("png_sha256"), 32),
                name="key_image_png_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["IDENTITY_MISMATCH", "UID_CONFLICT", "STUDY_CONFLICT"])),
                name="quarantine_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["OPEN", "LINKED", "REJECTED"])), name="quarantine_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="quarantine",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length("sha256"), 32),
                name="quarantine_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="seriesresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_accepted", False), ("volume_sha256", "")),
                    ("volume_sha256__regex", "^[0-9a-f]{64}$"),
                    _connector="OR",
                ),
                name="series_result_volume_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="seriesresult",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_failure", True), models.Q(("code_version", ""), _negated=True), _connector="OR"
                ),
                name="series_result_code_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="seriesversion",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    django.db.models.functions.text.Length("instances_sha256"), 32
                ),
                name="series_version_sha256",
            ),
        ),
        *(OrganisationKey(table) for table in KEYS),
        *(SameOrganisation(*reference) for reference in REFERENCES),
    ]
