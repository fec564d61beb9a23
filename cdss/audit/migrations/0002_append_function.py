from django.db import migrations

from cdss.audit.sql import APPEND_FUNCTION, APPEND_FUNCTION_REVERSE
from cdss.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("core", "0001_append_only")]
    operations = [
        AppendOnly("audit_auditentry"),
        migrations.RunSQL(APPEND_FUNCTION, APPEND_FUNCTION_REVERSE),
    ]
