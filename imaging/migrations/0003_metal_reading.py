from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imaging", "0002_append_only")]

    operations = [
        migrations.RemoveConstraint(model_name="calciumreading", name="calcium_reading_attested"),
        migrations.RemoveConstraint(model_name="calciumreading", name="calcium_reading_not_negative"),
        migrations.AddField(
            model_name="calciumreading",
            name="metal",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(model_name="calciumreading", name="agatston_score", field=models.FloatField(null=True)),
        migrations.AddConstraint(
            model_name="calciumreading",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agatston_score__gte", 0),
                    ("attests_gated_whole_heart", True),
                    ("attests_no_metal", True),
                    ("metal", []),
                    ("agatston_score__isnull", False),
                )
                | models.Q(
                    models.Q(("metal", []), _negated=True),
                    ("agatston_score__isnull", True),
                    ("attests_no_metal", False),
                    ("verdicts", {}),
                ),
                name="calcium_reading_score_or_metal",
            ),
        ),
    ]
