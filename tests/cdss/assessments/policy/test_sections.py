"""Which number is for whom: cardiovascular, stroke and dementia, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.apply import policy_apply
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.facts import facts_of
from cdss.assessments.policy.table import EQUATIONS
from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.inputs import Age
from tests.cdss.assessments.policy.people import IN_EUROPE, codes, decided, listed, notes, person, used

AF = listed("atrial_fibrillation", "atrial fibrillation")


def standing(who: Features, region: str = "US") -> dict[str, tuple[str, str]]:
    return {name: (item.role, item.reason_code) for name, item in decided(who, region).items()}


# --- cardiovascular


def test_us_30_to_79_prevent_is_first_and_the_older_equations_stand_behind() -> None:
    found = standing(person(58))
    assert [found[f"prevent_base {outcome}"] for outcome in ("total_cvd", "ascvd", "heart_failure")] == [
        ("PRIMARY", "")
    ] * 3
    assert found["prevent_base total_cvd 30"] == ("SECOND", "")
    assert found["mesa_chd chd"] == found["mesa_chd_cac chd"] == ("SECOND", "")
    assert found["score2 cvd"] == ("SECOND", "REGION")
    older = {name for name, (role, _) in found.items() if role == "OLDER"}
    assert older == {
        "pce_2013 ascvd", "pce_2018 ascvd", "framingham_2008_lipid general_cvd", "framingham_2008_bmi general_cvd",
        "fsrp_1991 stroke", "cha2ds2_vasc stroke",
    }  # fmt: skip


@pytest.mark.parametrize(("age", "is_asked"), [(29, False), (30, True), (59, True), (60, False), (None, False)])
def test_thirty_years_are_asked_for_from_30_to_59(age: int | None, is_asked: bool) -> None:
    found = decided(person(age))
    assert ("prevent_base ascvd 30" in found) is is_asked
    if is_asked:
        assert found["prevent_base ascvd 30"].notes == [
            {
                "code": "EXTRAPOLATED",
                "sentence": "extrapolated: mean follow-up of the derivation data was 4.8 years",
            }
        ]


@pytest.mark.parametrize(
    ("measured", "asked"),
    [
        ({}, set()),
        ({"hba1c_percent": "6.1"}, {"prevent_hba1c"}),
        ({"urine_albumin_creatinine_ratio_mg_g": "12"}, {"prevent_uacr"}),
        ({"sdi_decile": "4"}, {"prevent_sdi"}),
        ({"hba1c_percent": "6.1", "sdi_decile": "4"}, {"prevent_hba1c", "prevent_sdi", "prevent_full"}),
        (
            {"hba1c_percent": "6.1", "sdi_decile": "4", "urine_albumin_creatinine_ratio_mg_g": "12"},
            {"prevent_hba1c", "prevent_sdi", "prevent_uacr", "prevent_full"},
        ),
    ],
)
def test_variants_are_asked_for_when_their_input_is_measured(measured: dict[str, str], asked: set[str]) -> None:
    found = decided(person(58, **measured))
    variants = {name.split()[0] for name in found} & {"prevent_hba1c", "prevent_uacr", "prevent_sdi", "prevent_full"}
    assert variants == asked
    assert {found[f"{name} ascvd"].role for name in asked} <= {"SECOND"}


def test_the_full_model_says_that_one_test_is_missing() -> None:
    two = {"hba1c_percent": "8.5", "urine_albumin_creatinine_ratio_mg_g": "120"}
    assert "MISSING_INDICATOR" in notes(decided(person(58, **two))["prevent_full ascvd"])
    assert "MISSING_INDICATOR" not in notes(decided(person(58, **two, sdi_decile="4"))["prevent_full ascvd"])
    assert "MISSING_INDICATOR" not in notes(decided(person(58, **two))["prevent_hba1c ascvd"])


@pytest.mark.parametrize(("hours", "is_said"), [(24, False), (25, True)])
def test_lipids_of_two_samples_are_told_beside_the_numbers_that_take_both(hours: int, is_said: bool) -> None:
    at = datetime(2026, 5, 4, 8, tzinfo=UTC)
    total, hdl = used("total_cholesterol_mmol_l", "7.5"), used("hdl_cholesterol_mmol_l", "1.3")
    total.effective_at, hdl.effective_at = at, at + timedelta(hours=hours)
    american, european = decided(person(58, total, hdl)), decided(person(58, total, hdl), "EUROPE")
    for name in ("prevent_base ascvd", "mesa_chd chd", "pce_2013 ascvd", "framingham_2008_lipid general_cvd"):
        assert ("LIPIDS_OF_TWO_SAMPLES" in notes(american[name])) == is_said
    assert ("LIPIDS_OF_TWO_SAMPLES" in notes(european["score2 cvd"])) == is_said


def test_us_80_to_84_mesa_is_second_and_prevent_ends() -> None:
    found = decided(person(82))
    assert (found["prevent_base total_cvd"].role, found["prevent_base total_cvd"].reason_code) == (
        "PRIMARY",
        "AGE_ABOVE_RANGE",
    )
    assert found["prevent_base total_cvd"].sentence == "PREVENT over 10 years ends at 79; this person is 82."
    assert (found["mesa_chd chd"].role, found["mesa_chd chd"].reason_code) == ("SECOND", "")


@pytest.mark.parametrize(("age", "end"), [(87, "ends at 79"), (29, "starts at 30")])
def test_where_no_ten_year_equation_is_left_the_refusal_says_so(age: int, end: str) -> None:
    refused = decided(person(age))["prevent_base ascvd"]
    assert (
        refused.sentence
        == f"PREVENT {end}. No ten-year equation in this product for this region is validated at {age}."
    )
    assert (refused.field, refused.field_value) == ("age_years", str(age))
    assert refused.limit.startswith("30 to 79 years; source: ")


def test_no_older_equation_says_that_there_is_none_where_score2_op_has_a_number() -> None:
    found = decided(person(88), "EUROPE")
    assert (found["score2_op cvd"].role, found["score2_op cvd"].reason_code) == ("PRIMARY", "")
    assert found["framingham_2008_lipid general_cvd"].sentence == (
        "Framingham 2008 over 10 years ends at 74; this person is 88."
    )
    assert "for this region is validated at 90" in decided(person(90), "EUROPE")["score2_op cvd"].sentence


@pytest.mark.parametrize(
    ("age", "asked", "not_asked"),
    [
        (39, "score2", "score2_op"),
        (69, "score2", "score2_op"),
        (70, "score2_op", "score2"),
        (92, "score2_op", "score2"),
    ],
)
def test_europe_asks_the_one_score2_that_fits_the_age(age: int, asked: str, not_asked: str) -> None:
    found = standing(person(age), "EUROPE")
    wanted = {39: "AGE_BELOW_RANGE", 92: "AGE_ABOVE_RANGE"}.get(age, "")
    assert found[f"{asked} cvd"] == ("PRIMARY", wanted) and f"{not_asked} cvd" not in found
    assert found["prevent_base ascvd"] == ("SECOND", "REGION")
    assert found["prevent_base stroke"] == ("SECOND", "REGION")


def test_europe_mesa_is_second_and_labelled_as_a_us_cohort() -> None:
    mesa = decided(person(58), "EUROPE")["mesa_chd chd"]
    assert (mesa.role, mesa.reason_code) == ("SECOND", "") and "US_COHORT" in notes(mesa)
    assert "US_COHORT" not in notes(decided(person(58))["mesa_chd chd"])


def test_without_a_region_score2_says_what_is_missing() -> None:
    refused = decided(person(58), "EUROPE", DEFAULT_POLICY)["score2 cvd"]
    assert (refused.role, refused.reason_code, refused.field) == ("PRIMARY", "REGION_UNSET", "score2_region")


def test_a_european_with_diabetes_has_neither_score2_nor_a_second_number() -> None:
    found = decided(person(58, diabetes="yes"), "EUROPE")
    assert found["score2 cvd"].reason_code == "DIABETES"
    assert found["score2 cvd"].sentence == (
        "SCORE2 is not for people with diabetes; SCORE2-Diabetes is the European tool and is not part of this product."
    )
    numbers = [item for item in found.values() if item.section == "CARDIOVASCULAR" and not item.reason_code]
    assert {item.equation for item in numbers} >= {"mesa_chd", "pce_2013", "framingham_2008_bmi"}
    assert {item.role for item in numbers} == {"API"}
    assert codes(person(58, diabetes=""), "EUROPE")["score2 cvd"] == "UNKNOWN_HISTORY"


TYPE_1 = {"diabetes": "yes", "type_1_diabetes": "yes"}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"familial_hypercholesterolaemia": "yes"}, "HIGH_RISK_BY_DIAGNOSIS"),
        ({"egfr_ml_min_173m2": "29.9"}, "HIGH_RISK_BY_DIAGNOSIS"),
        ({"egfr_ml_min_173m2": "30"}, ""),
        ({"dialysis": "yes"}, "EGFR_DIALYSIS"),
        ({**TYPE_1, "egfr_ml_min_173m2": "44"}, "HIGH_RISK_BY_DIAGNOSIS"),
        ({**TYPE_1, "egfr_ml_min_173m2": "59", "urine_albumin_creatinine_ratio_mg_g": "30"}, "HIGH_RISK_BY_DIAGNOSIS"),
        ({**TYPE_1, "urine_albumin_creatinine_ratio_mg_g": "301"}, "HIGH_RISK_BY_DIAGNOSIS"),
        ({**TYPE_1, "egfr_ml_min_173m2": "59", "urine_albumin_creatinine_ratio_mg_g": "29"}, "DIABETES"),
        (TYPE_1, "DIABETES"),
    ],
)
def test_in_europe_the_category_follows_from_some_diagnoses(values: dict[str, str], code: str) -> None:
    assert codes(person(58, **values), "EUROPE")["score2 cvd"] == code


def test_us_diabetes_prevent_stays_first() -> None:
    found = standing(person(58, diabetes="yes", hba1c_percent="7.2", urine_albumin_creatinine_ratio_mg_g="40"))
    assert found["prevent_base total_cvd"] == ("PRIMARY", "")
    assert found["prevent_hba1c total_cvd"] == found["prevent_uacr total_cvd"] == ("SECOND", "")


def test_other_groups_of_the_pooled_cohort_equations_are_named() -> None:
    assert "RACE_OTHER" in notes(decided(person(58, pce_race="other"))["pce_2013 ascvd"])
    assert "RACE_OTHER" not in notes(decided(person(58, pce_race="black"))["pce_2013 ascvd"])


# --- stroke


def test_atrial_fibrillation_is_answered_with_points() -> None:
    who = person(71, AF, sex="male", valvular_atrial_fibrillation="no", anticoagulant_treatment="no")
    found = decided(who)
    assert (found["cha2ds2_va stroke"].role, found["cha2ds2_va stroke"].reason_code) == ("PRIMARY", "")
    assert found["prevent_base stroke"].reason_code == "NO_AF_TERM"
    assert (
        "PREVENT has no term for atrial fibrillation; use CHA2DS2-VA, unless" in found["prevent_base stroke"].sentence
    )
    assert found["prevent_base total_cvd"].reason_code == ""
    profile = found["fsrp_2017 stroke"]
    assert (profile.role, profile.reason_code) == ("SECOND", "") and "MALE_AF" in notes(profile)
    assert decided(who, "EUROPE")["fsrp_2017 stroke"].role == "SECOND"
    woman = person(71, AF, valvular_atrial_fibrillation="no", anticoagulant_treatment="no")
    assert "MALE_AF" not in notes(decided(woman)["fsrp_2017 stroke"])


@pytest.mark.parametrize(
    ("values", "number", "code", "field"),
    [
        ({"anticoagulant_treatment": "yes"}, "fsrp_2017 stroke", "AF_ANTICOAGULATED", "atrial_fibrillation"),
        ({}, "fsrp_2017 stroke", "UNKNOWN_HISTORY", "anticoagulant_treatment"),
        ({"valvular_atrial_fibrillation": "yes"}, "cha2ds2_va stroke", "VALVULAR_AF", "valvular_atrial_fibrillation"),
        ({}, "cha2ds2_va stroke", "UNKNOWN_HISTORY", "valvular_atrial_fibrillation"),
        ({"valvular_atrial_fibrillation": "yes"}, "cha2ds2_vasc stroke", "VALVULAR_AF", "valvular_atrial_fibrillation"),
    ],
)
def test_with_atrial_fibrillation_the_rest_has_to_be_known(
    values: dict[str, str], number: str, code: str, field: str
) -> None:
    found = decided(person(71, AF, **values))[number]
    assert (found.reason_code, found.field) == (code, field)


def test_without_atrial_fibrillation_or_tia_their_scores_are_refused_beside() -> None:
    found = standing(person(58))
    assert found["cha2ds2_va stroke"] == ("SECOND", "NO_AF")
    assert found["cha2ds2_vasc stroke"] == ("OLDER", "NO_AF")
    assert found["abcd2 stroke"] == ("SECOND", "NO_TIA")


def test_from_55_prevent_stroke_is_first_in_the_us_and_the_profile_in_europe() -> None:
    assert standing(person(58))["prevent_base stroke"] == ("PRIMARY", "")
    assert standing(person(58))["fsrp_2017 stroke"] == ("SECOND", "")
    assert standing(person(58), "EUROPE")["fsrp_2017 stroke"] == ("PRIMARY", "")


def test_under_55_prevent_stroke_is_refused_in_words_that_do_not_say_the_equation_starts_there() -> None:
    refused = decided(person(54))["prevent_base stroke"]
    assert (refused.role, refused.reason_code, refused.field_value) == ("PRIMARY", "AGE_BELOW_RANGE", "54")
    assert refused.sentence == (
        "PREVENT over 10 years: shown from 55 under this organisation's policy; this person is 54."
    )
    assert refused.limit == "55 to 79 years; source: the policy of this organisation"
    assert codes(person(55))["prevent_base stroke"] == codes(person(79))["prevent_base stroke"] == ""
    too_old = decided(person(80))["prevent_base stroke"]
    assert too_old.sentence.startswith("PREVENT over 10 years ends at 79;")
    assert too_old.limit == "30 to 79 years; source: Circulation 2024;149:430-449"  # of the equation, not the policy


def test_the_pooled_cohort_equations_end_at_79() -> None:
    found = decided(person(82))
    assert found["pce_2013 ascvd"].sentence == "The Pooled Cohort Equations over 10 years end at 79; this person is 82."
    assert found["pce_2018 ascvd"].sentence.startswith("The revised Pooled Cohort Equations over 10 years end at 79;")


@pytest.mark.parametrize("region", ["US", "EUROPE"])
def test_under_55_the_stroke_profile_is_refused(region: str) -> None:
    assert codes(person(54), region)["fsrp_2017 stroke"] == "AGE_BELOW_RANGE"


def test_a_tia_within_7_days_is_answered_with_abcd2_not_for_urgency() -> None:
    found = decided(person(66, listed("prior_tia", "transient ischaemic attack", 2026), tia_within_7_days="yes"))
    assert (found["abcd2 stroke"].role, found["abcd2 stroke"].reason_code) == ("PRIMARY", "")
    assert notes(found["abcd2 stroke"]) == {"ABCD2_NOT_FOR_URGENCY"}
    long_term = ("fsrp_2017 stroke", "fsrp_1991 stroke", "prevent_base stroke", "prevent_base total_cvd")
    assert {found[name].reason_code for name in long_term} == {"PRIOR_TIA"}


TIA_DAY = datetime(2026, 3, 10, tzinfo=UTC)


def tia(source_type: str) -> Feature:
    at = TIA_DAY if source_type == "CONDITION" else TIA_DAY.replace(hour=15)
    return Feature("tia_within_7_days", "TIA", FeatureState.USED, "yes", source_type=source_type, effective_at=at)


def stroke(day: datetime | None, state: FeatureState = FeatureState.USED) -> Feature:
    return Feature("prior_stroke", "Stroke", state, "yes", source_type="CONDITION", sentence="stroke", effective_at=day)


@pytest.mark.parametrize(
    ("recorded", "source_type", "code"),
    [
        (stroke(TIA_DAY - timedelta(days=1)), "CONDITION", ""),
        (stroke(TIA_DAY), "CONDITION", "PRIOR_STROKE"),
        (stroke(TIA_DAY + timedelta(days=2)), "CONDITION", "PRIOR_STROKE"),
        (stroke(None), "CONDITION", "PRIOR_STROKE"),
        (stroke(TIA_DAY, FeatureState.TOO_OLD), "CONDITION", "PRIOR_STROKE"),
        (used("prior_stroke", "yes"), "CONDITION", "PRIOR_STROKE"),
        (used("prior_stroke", "no"), "CONDITION", ""),
        (stroke(TIA_DAY - timedelta(days=8)), "ANSWER", ""),
        (stroke(TIA_DAY - timedelta(days=7)), "ANSWER", "PRIOR_STROKE"),
        (used("prior_stroke", "yes"), "ANSWER", "PRIOR_STROKE"),
    ],
)
@pytest.mark.parametrize("region", ["US", "EUROPE"])
def test_abcd2_is_for_a_tia_that_did_not_become_a_stroke(
    recorded: Feature, source_type: str, code: str, region: str
) -> None:
    found = decided(person(66, tia(source_type), recorded, prior_stroke_or_tia="yes", prior_tia="yes"), region)[
        "abcd2 stroke"
    ]
    assert (found.role, found.reason_code) == ("PRIMARY", code)
    assert found.sentence.startswith("Not shown: ") is bool(code)


def test_a_stroke_without_a_recent_tia_leaves_abcd2_its_own_refusal() -> None:
    assert codes(person(66, stroke(TIA_DAY), tia_within_7_days="no"))["abcd2 stroke"] == "NO_TIA"


def test_whether_a_tia_was_recent_has_to_be_stated() -> None:
    found = decided(person(66, prior_tia="yes"))["abcd2 stroke"]
    assert (found.reason_code, found.field) == ("UNKNOWN_HISTORY", "tia_within_7_days")


# --- dementia


def test_39_to_64_caide_is_shown_and_no_short_term_probability() -> None:
    found = decided(person(58))
    assert (found["caide_1 dementia"].role, found["caide_1 dementia"].reason_code) == ("PRIMARY", "")
    assert notes(found["caide_1 dementia"]) == {"FINNISH_COHORT"}
    none = found["none dementia"]
    assert (none.role, none.reason_code, none.horizon_years) == ("PRIMARY", "NO_BASE_EQUATION", 10)
    assert none.sentence == "No validated equation in this product gives a 5- or 10-year dementia probability."
    assert "bdsi dementia" not in found and "caide_2 dementia" not in found


@pytest.mark.parametrize(("state", "is_asked"), [("USED", True), ("MISSING", False)])
def test_caide_2_is_asked_for_only_where_apoe_was_tested(state: str, is_asked: bool) -> None:
    apoe = used("apoe_e4", "no") if state == "USED" else Feature("apoe_e4", "APOE")
    found = decided(person(58, apoe))
    assert ("caide_2 dementia" in found) is is_asked
    assert [item.equation for item in found.values() if item.is_genetic] == (["caide_2"] if is_asked else [])


def test_65_to_79_bdsi_is_a_screening_indicator_and_caide_is_refused() -> None:
    found = decided(person(70))
    assert (found["bdsi dementia"].role, found["bdsi dementia"].reason_code) == ("PRIMARY", "")
    assert notes(found["bdsi dementia"]) == {"SCREENING_INDICATOR"}
    assert (found["caide_1 dementia"].role, found["caide_1 dementia"].reason_code) == ("SECOND", "AGE_ABOVE_RANGE")


def test_from_80_age_alone_is_said_beside_the_refusal() -> None:
    refused = decided(person(80))["bdsi dementia"]
    assert refused.reason_code == "AGE_ABOVE_RANGE"
    assert [note["sentence"] for note in refused.notes] == ["age alone is a reason to consider cognitive screening"]


def test_libra_and_centiloid_are_for_the_api_only() -> None:
    found = standing(person(58))
    assert found["libra dementia"] == ("API", "")
    assert found["centiloid amyloid"] == ("API", "PIPELINE_NOT_CALIBRATED")


# --- the table itself


def test_the_first_decision_is_prevent_total_cvd() -> None:
    assert (policy_apply(DEFAULT_POLICY, person(58), "US")[0].equation,
            policy_apply(DEFAULT_POLICY, person(58), "US")[0].outcome) == ("prevent_base", "total_cvd")  # fmt: skip
    assert policy_apply(IN_EUROPE, person(58), "EUROPE")[0].equation == "score2"


@pytest.mark.parametrize("region", ["US", "EUROPE"])
@pytest.mark.parametrize("age", [None, 25, 45, 58, 66, 75, 82, 95])
def test_no_number_is_decided_twice(age: int | None, region: str) -> None:
    measured = {"hba1c_percent": "6", "sdi_decile": "4", "urine_albumin_creatinine_ratio_mg_g": "9", "apoe_e4": "yes"}
    decisions = policy_apply(IN_EUROPE, person(age, **measured), region)
    keys = [(item.equation, item.outcome, item.horizon_years) for item in decisions]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("egfr", "words"), [("29.9", "eGFR 29.9 mL/min/1.73 m², below 30"), ("29.2", "eGFR 29 mL")])
def test_a_value_is_never_rounded_onto_the_limit_that_it_is_below(egfr: str, words: str) -> None:
    refused = decided(person(58, egfr_ml_min_173m2=egfr), "EUROPE")["score2 cvd"]
    assert refused.sentence.startswith(f"Not shown: {words}")


def test_a_ratio_just_above_its_limit_is_not_rounded_onto_it() -> None:
    who = person(58, **TYPE_1, urine_albumin_creatinine_ratio_mg_g="300.4")
    assert "albumin-creatinine ratio 300.4 mg/g, above 300" in decided(who, "EUROPE")["score2 cvd"].sentence


def test_no_hypertension_under_a_blood_pressure_drug_is_remarked_on_beside_the_points() -> None:
    fibrillation = listed("atrial_fibrillation", "atrial fibrillation")
    known = {"hypertension": "no", "valvular_atrial_fibrillation": "no"}
    treated = decided(person(58, fibrillation, antihypertensive_treatment="yes", **known))["cha2ds2_va stroke"]
    assert "TREATED_WITHOUT_HYPERTENSION" in notes(treated) and not treated.reason_code
    untreated = decided(person(58, fibrillation, antihypertensive_treatment="no", **known))["cha2ds2_va stroke"]
    assert "TREATED_WITHOUT_HYPERTENSION" not in notes(untreated)


def test_age_alone_is_no_reason_where_a_disorder_is_diagnosed() -> None:
    assert "AGE_ALONE" in notes(decided(person(82))["bdsi dementia"])
    assert "AGE_ALONE" in notes(decided(person(82, cognitive_disorder=""))["bdsi dementia"])
    assert "AGE_ALONE" not in notes(decided(person(82, cognitive_disorder="yes"))["bdsi dementia"])


def test_what_is_said_of_a_number_is_not_said_beside_a_refusal() -> None:
    fibrillation = listed("atrial_fibrillation", "atrial fibrillation")
    treated = person(70, fibrillation, sex="male", anticoagulant_treatment="yes")
    refused = decided(treated)["fsrp_2017 stroke"]
    assert refused.reason_code == "AF_ANTICOAGULATED" and "MALE_AF" not in notes(refused)


def test_every_name_in_the_table_is_known() -> None:
    facts = facts_of(person(58), region="US", score2_region=None)
    stops, questions = {stop.code for stop in DEFAULT_POLICY.stops}, {item.fact for item in DEFAULT_POLICY.questions}
    remarks = {note.code for note in DEFAULT_POLICY.notes}
    for row in DEFAULT_POLICY.rows:
        assert row.equation in EQUATIONS
        assert set(row.stops) <= stops and set(row.questions) <= questions and set(row.notes) <= remarks
        assert {change.fact for change in row.roles_if} | set(row.asked_if) <= facts.keys()
    named = {stop.fact for stop in DEFAULT_POLICY.stops} | questions
    assert named | {note.fact for note in DEFAULT_POLICY.notes if note.fact} <= facts.keys()


def test_the_ages_of_the_table_are_those_of_the_equations() -> None:
    for name, scope in EQUATIONS.items():
        for horizon, ages in scope.ages.items():
            (age,) = [rule for rule in RISK_EQUATIONS[name].rules[horizon] if isinstance(rule, Age)]
            assert (age.low, age.high) == ages, name
