from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imaging", "0004_checks_and_same_organisation")]

    operations = [
        migrations.AddField(
            model_name="seriesresult",
            name="large_structures",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="calciumreading",
            name="attests_large_structures_not_coronary",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
