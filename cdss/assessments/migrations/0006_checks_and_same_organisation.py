from django.db import migrations, models

from cdss.core.same_organisation import OrganisationKey, SameOrganisation

KEYS = [
    "assessments_featuresnapshot",
    "assessments_assessment",
    "assessments_riskestimate",
]
REFERENCES = [
    ("assessments_featuresnapshot", "patient_id", "patients_patient"),
    ("assessments_snapshotfeature", "snapshot_id", "assessments_featuresnapshot"),
    ("assessments_assessment", "patient_id", "patients_patient"),
    ("assessments_assessment", "snapshot_id", "assessments_featuresnapshot"),
    ("assessments_assessment", "supersedes_id", "assessments_assessment"),
    ("assessments_riskestimate", "assessment_id", "assessments_assessment"),
    ("assessments_attribution", "estimate_id", "assessments_riskestimate"),
    ("assessments_assessmentreview", "assessment_id", "assessments_assessment"),
    ("assessments_studyoutcome", "study_id", "imaging_study"),
    ("assessments_studyoutcome", "assessment_id", "assessments_assessment"),
    ("assessments_worklistentry", "patient_id", "patients_patient"),
    ("assessments_worklistentry", "assessment_id", "assessments_assessment"),
    ("assessments_worklistentry", "headline_id", "assessments_riskestimate"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("imaging", "0004_checks_and_same_organisation"),
        ("patients", "0004_checks_and_same_organisation"),
        ("accounts", "0003_checks"),
        ("assessments", "0005_worklist_headline"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="studyoutcome",
            name="study_outcome_has_record_or_reason",
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("input_digest__regex", "^[0-9a-f]{64}$"), ("release_sha256__regex", "^[0-9a-f]{64}$")
                ),
                name="assessment_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(("policy_sha256", ""), ("policy_sha256__regex", "^[0-9a-f]{64}$"), _connector="OR"),
                name="assessment_policy_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("release", ""), _negated=True),
                    models.Q(("policy_version", ""), _negated=True),
                    models.Q(("code_version", ""), _negated=True),
                ),
                name="assessment_versions_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="featuresnapshot",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="feature_snapshot_sha256"
            ),
        ),
        migrations.AddConstraint(
            model_name="policyineffect",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("policy_sha256__regex", "^[0-9a-f]{64}$"), models.Q(("release", ""), _negated=True)
                ),
                name="policy_in_effect_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="policytrial",
            constraint=models.CheckConstraint(
                condition=models.Q(("base_sha256__regex", "^[0-9a-f]{64}$"), ("sha256__regex", "^[0-9a-f]{64}$")),
                name="policy_trial_sha256",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="policy_version_sha256"
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("risk_low__isnull", True), ("risk_high__isnull", True), ("coverage__isnull", True)),
                    models.Q(
                        ("risk__isnull", False),
                        ("risk_low__isnull", False),
                        ("risk_high__isnull", False),
                        ("coverage__isnull", False),
                        ("risk_low__gte", 0),
                        ("risk_low__lte", models.F("risk")),
                        ("risk_high__gte", models.F("risk")),
                        ("risk_high__lte", 1),
                        ("coverage__gt", 0),
                        ("coverage__lt", 1),
                    ),
                    _connector="OR",
                ),
                name="risk_estimate_interval",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("score__isnull", True), ("score_low__isnull", True), ("score_high__isnull", True)),
                    models.Q(
                        ("score__isnull", False),
                        ("score_low__isnull", False),
                        ("score_high__isnull", False),
                        ("score__gte", models.F("score_low")),
                        ("score__lte", models.F("score_high")),
                    ),
                    _connector="OR",
                ),
                name="risk_estimate_score_in_scale",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reference_risk__isnull", True),
                    models.Q(("reference_risk__gte", 0), ("reference_risk__lte", 1)),
                    _connector="OR",
                ),
                name="risk_estimate_reference_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(("section__in", ["CARDIOVASCULAR", "STROKE", "DEMENTIA"])),
                name="risk_estimate_section_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="riskestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["PRIMARY", "SECOND", "OLDER", "API"])), name="risk_estimate_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="snapshotfeature",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["USED", "MISSING", "TOO_OLD", "ACUTE", "REFUSED"])),
                name="snapshot_feature_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="studyoutcome",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("assessment__isnull", False), ("outcome", "RECORDED"), ("reason_code", "")),
                    models.Q(("outcome__in", ["WITHHELD", "FAILED"]), models.Q(("reason_code", ""), _negated=True)),
                    _connector="OR",
                ),
                name="study_outcome_has_record_or_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="worklistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["NEW", "ACKNOWLEDGED", "OVERRIDDEN"])), name="worklist_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="worklistentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("risk__isnull", True), models.Q(("risk__gte", 0), ("risk__lte", 1)), _connector="OR"
                ),
                name="worklist_risk_range",
            ),
        ),
        *(OrganisationKey(table) for table in KEYS),
        *(SameOrganisation(*reference) for reference in REFERENCES),
    ]
