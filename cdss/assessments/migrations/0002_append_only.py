from django.db import migrations

from cdss.core.append_only import AppendOnly

TABLES = [
    "assessments_featuresnapshot",
    "assessments_snapshotfeature",
    "assessments_assessment",
    "assessments_riskestimate",
    "assessments_attribution",
    "assessments_assessmentreview",
]


class Migration(migrations.Migration):
    dependencies = [("assessments", "0001_initial"), ("core", "0001_append_only")]
    operations = [AppendOnly(table) for table in TABLES]
