from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_checks"),
        ("jobs", "0002_policy_try"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("step__in", ["SERIES_PROCESS", "PATIENT_ASSESS", "POLICY_TRY"])),
                name="job_step_known",
            ),
        ),
    ]
