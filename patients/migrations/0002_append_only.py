from django.db import migrations

from cdss.core.append_only import AppendOnly

TABLES = ["patients_observation", "patients_condition", "patients_medicationstatement"]


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial"), ("core", "0001_append_only")]
    operations = [AppendOnly(table) for table in TABLES]
