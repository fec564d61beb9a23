import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_may_see_genetics"),
        ("assessments", "0002_append_only"),
        ("patients", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyInEffect",
            fields=[
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="accounts.organisation",
                    ),
                ),
                ("policy_sha256", models.TextField()),
                ("release", models.TextField()),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="PolicyTrial",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("base_sha256", models.TextField()),
                ("body", models.TextField()),
                ("sha256", models.TextField()),
                ("author_id", models.TextField()),
                ("author_name", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, db_default="")),
                ("patients_count", models.IntegerField(db_default=0)),
                ("changed_count", models.IntegerField(db_default=0)),
                ("changes", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
                ("body", models.TextField()),
                ("sha256", models.TextField()),
                ("reason", models.TextField()),
                ("author_id", models.TextField()),
                ("author_name", models.TextField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="riskestimate",
            name="risk_estimate_number_or_reason",
        ),
        migrations.RemoveConstraint(
            model_name="riskestimate",
            name="risk_estimate_horizon",
        ),
        migrations.AddField(
            model_name="assessment",
            name="policy_sha256",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="attribution",
            name="points",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="categories",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="is_genetic",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="meaning",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="notes",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="scale",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="score",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="score_high",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="score_low",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="riskestimate",
            name="section",
            field=models.TextField(
                choices=[("CARDIOVASCULAR", "Cardiovascular"), ("STROKE", "Stroke"), ("DEMENTIA", "Dementia")],
                db_default="CARDIOVASCULAR",
            ),
        ),
        migrations.AddField(
            model_name="snapshotfeature",
            name="setting",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="worklistentry",
            name="reassess_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="attribution",
            name="log_odds_or_hazard",
            field=models.FloatField(null=True),
        ),
        migrations.AlterField(
            model_name="riskestimate",
            name="role",
            field=models.TextField(
                choices=[
                    ("PRIMARY", "Shown first"),
                    ("SECOND", "Shown beside it"),
                    ("OLDER", "Older equations"),
                    ("API", "Computed, not shown"),
                ]
            ),
        ),
        migrations.AddIndex(
            model_name="worklistentry",
            index=models.Index(
                condition=models.Q(("reassess_at__isnull", False)),
                fields=["reassess_at"],
                name="worklist_by_reassessment",
            ),
        ),
        migrations.AddConstraint(
            model_name="attribution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("log_odds_or_hazard__isnull", False), ("points__isnull", True)),
                    models.Q(("log_odds_or_hazard__isnull", True), ("points__isnull", False)),
                    _connector="OR",
                ),
                name="attribution_one_scale",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("risk__isnull", False), ("score__isnull", False), _connector="OR"),
                        ("reason_code", ""),
                    ),
                    models.Q(
                        models.Q(("risk__isnull", False), ("score__isnull", False), _connector="OR", _negated=True),
                        models.Q(("reason_code", ""), _negated=True),
                        models.Q(("sentence", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="risk_estimate_number_or_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("horizon_years__gt", 0), models.Q(("horizon_years", 0), ("risk__isnull", True)), _connector="OR"
                ),
                name="risk_estimate_horizon",
            ),
        ),
        migrations.AddField(
            model_name="policytrial",
            name="organisation",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="accounts.organisation"),
        ),
        migrations.AddField(
            model_name="policyversion",
            name="organisation",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="accounts.organisation"),
        ),
        migrations.AddIndex(
            model_name="policytrial",
            index=models.Index(fields=["organisation", "-created_at"], name="policy_trial_by_organisation"),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(fields=("organisation", "number"), name="policy_version_number_unique"),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gt", 0)), name="policy_version_number_counts"
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="policy_version_has_reason"
            ),
        ),
    ]
