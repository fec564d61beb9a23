from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="step",
            field=models.TextField(
                choices=[
                    ("SERIES_PROCESS", "Read and measure a series"),
                    ("PATIENT_ASSESS", "Assess a patient's risk"),
                    ("POLICY_TRY", "Find out what a policy would change"),
                ]
            ),
        ),
    ]
