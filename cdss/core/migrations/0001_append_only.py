from django.db import migrations

from cdss.core.append_only import FUNCTION_REVERSE_SQL, FUNCTION_SQL


class Migration(migrations.Migration):
    dependencies = []
    operations = [migrations.RunSQL(FUNCTION_SQL, FUNCTION_REVERSE_SQL)]
