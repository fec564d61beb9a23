from django.db import migrations

from cdss.audit.sql import WELL_FORMED_ENTRIES, WELL_FORMED_ENTRIES_REVERSE


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_function")]
    operations = [migrations.RunSQL(WELL_FORMED_ENTRIES, WELL_FORMED_ENTRIES_REVERSE)]
