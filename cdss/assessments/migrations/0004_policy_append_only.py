from django.db import migrations

from cdss.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("assessments", "0003_policy_and_scores"), ("core", "0001_append_only")]
    operations = [AppendOnly("assessments_policyversion")]
