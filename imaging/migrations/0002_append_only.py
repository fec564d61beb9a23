from django.db import migrations

from cdss.core.append_only import AppendOnly

TABLES = [
    "imaging_instance",
    "imaging_seriesversion",
    "imaging_seriesresult",
    "imaging_measurement",
    "imaging_keyimage",
    "imaging_calciumcandidate",
    "imaging_calciumreading",
]


class Migration(migrations.Migration):
    dependencies = [("imaging", "0001_initial"), ("core", "0001_append_only")]
    operations = [AppendOnly(table) for table in TABLES]
