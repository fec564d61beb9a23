"""Hard stops, one by one: who, and the code that stands in place of each number."""

from __future__ import annotations

import pytest

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from tests.cdss.assessments.policy.people import codes, decided, listed, notes, person, used

CVD = ("prevent_base total_cvd", "prevent_base ascvd", "prevent_base heart_failure", "mesa_chd chd", "mesa_chd_cac chd")
OLDER_CVD = ("pce_2013 ascvd", "pce_2018 ascvd", "framingham_2008_lipid general_cvd", "framingham_2008_bmi general_cvd")
PREVENT = (*CVD[:3], "prevent_base stroke", "prevent_base total_cvd 30", "prevent_base chd", "prevent_base stroke 30")
STROKE = ("fsrp_2017 stroke", "fsrp_1991 stroke")
MI = listed("prior_cardiovascular_disease", "myocardial infarction", 2019)
HF = listed("prior_cardiovascular_disease", "heart failure", 2020)


@pytest.mark.parametrize(
    ("who", "code", "stopped"),
    [
        pytest.param(person(46, pregnancy="yes"), "PREGNANCY", (*CVD, *OLDER_CVD, *PREVENT), id="A1"),
        pytest.param(person(58, MI), "PRIOR_ASCVD", (*CVD, *OLDER_CVD, *PREVENT), id="A2"),
        pytest.param(person(58, prior_cardiovascular_disease="yes"), "PRIOR_ASCVD", (*CVD, *OLDER_CVD), id="A2 stated"),
        pytest.param(person(58, HF), "PRIOR_HF", (*CVD, *OLDER_CVD, *PREVENT), id="A3"),
        pytest.param(person(58, heart_failure="yes"), "PRIOR_HF", (*CVD, *PREVENT), id="A3 stated"),
        pytest.param(
            person(58, listed("prior_stroke", "stroke")), "PRIOR_STROKE", (*CVD, *OLDER_CVD, *PREVENT, *STROKE), id="A4"
        ),
        pytest.param(person(58, prior_stroke_or_tia="yes"), "PRIOR_STROKE", (*CVD, *STROKE), id="A4 stated"),
        pytest.param(person(58, prior_tia="yes"), "PRIOR_TIA", (*CVD, *OLDER_CVD, *PREVENT, *STROKE), id="A4 TIA"),
        pytest.param(
            person(58, Feature("metal_in_ct", "Metal", FeatureState.USED, "yes", sentence="a coronary stent")),
            "CONTRADICTION",
            (*CVD, *OLDER_CVD, *PREVENT, *STROKE),
            id="A5",
        ),
        pytest.param(
            person(58, dialysis="yes"), "EGFR_DIALYSIS", (*CVD, *OLDER_CVD, *PREVENT, *STROKE), id="A8 dialysis"
        ),
        pytest.param(
            person(58, cognitive_disorder="yes"),
            "KNOWN_COGNITIVE_DISORDER",
            ("caide_1 dementia", "libra dementia"),
            id="A9",
        ),
        pytest.param(person(70, cognitive_disorder="yes"), "KNOWN_COGNITIVE_DISORDER", ("bdsi dementia",), id="A9 70"),
    ],
)
def test_a_hard_stop_names_its_code_for_every_number_it_stops(
    who: Features, code: str, stopped: tuple[str, ...]
) -> None:
    found = codes(who)
    assert {name: found[name] for name in stopped} == dict.fromkeys(stopped, code)


@pytest.mark.parametrize("code", ["PREGNANCY", "PRIOR_ASCVD", "PRIOR_STROKE", "CONTRADICTION", "EGFR_DIALYSIS"])
def test_the_same_stops_hold_for_score2(code: str) -> None:
    who = {
        "PREGNANCY": person(46, pregnancy="yes"),
        "PRIOR_ASCVD": person(58, MI),
        "PRIOR_STROKE": person(58, prior_stroke="yes"),
        "CONTRADICTION": person(58, used("metal_in_ct", "yes")),
        "EGFR_DIALYSIS": person(58, dialysis="yes"),
    }[code]
    assert codes(who, "EUROPE")["score2 cvd"] == code


def test_nothing_is_stopped_for_somebody_with_no_to_every_question() -> None:
    found = codes(person(58))
    assert {found[name] for name in (*CVD, *OLDER_CVD, *PREVENT, "fsrp_2017 stroke", "caide_1 dementia")} == {""}


def test_a_prior_infarction_is_named_with_its_date_and_stays_in_the_stroke_profile() -> None:
    found = decided(person(58, MI))
    assert "myocardial infarction (March 2019)" in found["prevent_base total_cvd"].sentence
    assert "secondary-prevention care applies whatever the number" in found["prevent_base total_cvd"].sentence
    profile = found["fsrp_2017 stroke"]
    assert (profile.role, profile.reason_code) == ("PRIMARY", "")


def test_heart_failure_stays_in_the_stroke_profile() -> None:
    profile = decided(person(58, HF, heart_failure="yes"))["fsrp_2017 stroke"]
    assert (profile.role, profile.reason_code) == ("PRIMARY", "")


def test_heart_failure_from_which_the_wider_answer_follows_keeps_its_own_code() -> None:
    follows = Feature("prior_cardiovascular_disease", "CVD", FeatureState.USED, "yes", source_type="DERIVED")
    assert codes(person(58, follows, heart_failure="yes"))["prevent_base ascvd"] == "PRIOR_HF"


def test_a_stent_with_a_known_coronary_disease_is_no_contradiction() -> None:
    assert codes(person(58, MI, used("metal_in_ct", "yes")))["mesa_chd chd"] == "PRIOR_ASCVD"


@pytest.mark.parametrize("failure", ["yes", "no"])
def test_heart_failure_is_no_coronary_disease_that_would_settle_a_stent(failure: str) -> None:
    fibrillation = listed("atrial_fibrillation", "atrial fibrillation")
    known = person(60, fibrillation, metal_in_ct="yes", valvular_atrial_fibrillation="no", heart_failure=failure)
    found = codes(known)
    assert found["cha2ds2_va stroke"] == "CONTRADICTION"
    assert found["prevent_base ascvd"] == ("PRIOR_HF" if failure == "yes" else "CONTRADICTION")


def test_a_contradiction_says_what_the_ct_shows() -> None:
    stent = Feature("metal_in_ct", "Metal", FeatureState.USED, "yes", sentence="a coronary stent")
    sentence = decided(person(58, stent))["prevent_base ascvd"].sentence
    assert sentence == (
        "The CT shows a coronary stent but no coronary disease is recorded. Confirm before a risk is shown."
    )


@pytest.mark.parametrize("fact", ["ldl", "diagnosis"])
def test_in_the_range_of_familial_hypercholesterolaemia_the_equation_is_second(fact: str) -> None:
    name, value = ("ldl_cholesterol_mmol_l", "4.9") if fact == "ldl" else ("familial_hypercholesterolaemia", "yes")
    found = decided(person(45, used(name, value)))
    for number in ("prevent_base total_cvd", "prevent_base ascvd", "prevent_base heart_failure"):
        assert (found[number].role, found[number].reason_code) == ("SECOND", "")
        assert "FH_RANGE" in notes(found[number])
    below = decided(person(45, used("ldl_cholesterol_mmol_l", "4.89")))["prevent_base ascvd"]
    assert (below.role, notes(below)) == ("PRIMARY", set())


def test_palliative_care_is_a_note_on_every_number_and_refuses_none() -> None:
    found = decided(person(58, palliative_care="yes"))
    computed = [item for item in found.values() if not item.reason_code]
    assert computed and all("LIMITED_HORIZON" in notes(item) for item in computed)
    assert len(computed) == len([code for code in codes(person(58)).values() if not code])


@pytest.mark.parametrize(
    ("name", "asked", "number"),
    [
        ("prior_cardiovascular_disease", "prior_cardiovascular_disease", "prevent_base total_cvd"),
        ("prior_stroke_or_tia", "prior_stroke_or_tia", "prevent_base total_cvd"),
        ("pregnancy", "pregnancy", "mesa_chd chd"),
        ("atrial_fibrillation", "atrial_fibrillation", "prevent_base stroke"),
        ("atrial_fibrillation", "atrial_fibrillation", "fsrp_2017 stroke"),
        ("atrial_fibrillation", "atrial_fibrillation", "cha2ds2_va stroke"),
        ("cognitive_disorder", "cognitive_disorder", "caide_1 dementia"),
    ],
)
def test_not_recorded_is_not_no(name: str, asked: str, number: str) -> None:
    age = 46 if name == "pregnancy" else 58
    found = decided(person(age, **{name: ""}, **({"prior_stroke": "", "prior_tia": ""} if "tia" in name else {})))
    assert (found[number].reason_code, found[number].field) == ("UNKNOWN_HISTORY", asked)
    assert found[number].sentence.startswith("Not shown until someone states whether this person ")


def test_an_unanswered_atrial_fibrillation_withholds_only_what_depends_on_it() -> None:
    assert codes(person(58, atrial_fibrillation=""))["prevent_base total_cvd"] == ""


def test_a_known_reason_comes_before_an_open_question() -> None:
    assert codes(person(58, MI, prior_stroke_or_tia="", pregnancy=""))["prevent_base ascvd"] == "PRIOR_ASCVD"
    assert codes(person(85, prior_cardiovascular_disease=""))["prevent_base ascvd"] == "AGE_ABOVE_RANGE"


@pytest.mark.parametrize(("age", "sex", "is_asked"), [(18, "female", True), (50, "female", True), (51, "female", False),
                                                      (46, "male", False), (None, "female", True)])  # fmt: skip
def test_pregnancy_is_asked_of_whom_it_may_concern(age: int | None, sex: str, is_asked: bool) -> None:
    code = codes(person(age, sex=sex, pregnancy=""))["mesa_chd chd"]
    assert (code == "UNKNOWN_HISTORY") is (is_asked and age not in {18})
    if age == 18:  # too young for the equation, which no answer changes
        assert code == "AGE_BELOW_RANGE"


def test_an_old_yes_still_stops_and_an_old_no_is_asked_again() -> None:
    old = {
        answer: Feature("prior_cardiovascular_disease", "CVD", FeatureState.TOO_OLD, answer) for answer in ("yes", "no")
    }
    assert codes(person(58, old["yes"]))["prevent_base ascvd"] == "PRIOR_ASCVD"
    assert codes(person(58, old["no"]))["prevent_base ascvd"] == "UNKNOWN_HISTORY"


def test_the_sentence_on_dialysis_is_true_of_equations_without_egfr() -> None:
    found = decided(person(58, listed("dialysis", "haemodialysis")))
    assert {found[name].sentence for name in (*CVD, *OLDER_CVD, *STROKE)} == {
        "Not shown: haemodialysis (March 2021) is recorded. This equation was not derived in people on dialysis."
    }
    assert found["cha2ds2_va stroke"].reason_code == "NO_AF"


def too_old(name: str, answer: str) -> Feature:
    return Feature(name, name, FeatureState.TOO_OLD, answer)


@pytest.mark.parametrize(
    ("name", "number", "code", "field"),
    [
        ("pregnancy", "prevent_base ascvd", "UNKNOWN_HISTORY", "pregnancy"),
        ("dialysis", "prevent_base ascvd", "", ""),
        ("cognitive_disorder", "caide_1 dementia", "KNOWN_COGNITIVE_DISORDER", "cognitive_disorder"),
        ("prior_stroke", "prevent_base ascvd", "PRIOR_STROKE", "prior_stroke"),
        ("familial_hypercholesterolaemia", "prevent_base ascvd", "", ""),
    ],
)
def test_only_what_lasts_is_still_a_yes_when_its_answer_is_too_old(
    name: str, number: str, code: str, field: str
) -> None:
    found = decided(person(46, too_old(name, "yes")))[number]
    assert (found.reason_code, found.field) == (code, field)
    assert (found.role == "SECOND") is (name == "familial_hypercholesterolaemia")


def test_an_anticoagulant_stated_too_long_ago_is_asked_again() -> None:
    fibrillation = listed("atrial_fibrillation", "atrial fibrillation")
    found = decided(person(71, fibrillation, too_old("anticoagulant_treatment", "yes")))["fsrp_2017 stroke"]
    assert (found.reason_code, found.field) == ("UNKNOWN_HISTORY", "anticoagulant_treatment")


def test_palliative_care_stated_too_long_ago_is_no_note() -> None:
    found = decided(person(58, too_old("palliative_care", "yes")))
    assert not any("LIMITED_HORIZON" in notes(item) for item in found.values())


@pytest.mark.parametrize(
    ("age", "sex", "state", "code"),
    [
        (46, "male", FeatureState.USED, "PREGNANCY"),
        (46, "unknown", FeatureState.USED, "PREGNANCY"),
        (46, "", FeatureState.USED, "PREGNANCY"),
        (53, "female", FeatureState.USED, "PREGNANCY"),
        (53, "female", FeatureState.TOO_OLD, ""),
    ],
)
def test_a_pregnancy_stops_numbers_whatever_the_sex_until_it_is_long_past(
    age: int, sex: str, state: FeatureState, code: str
) -> None:
    who = person(age, Feature("pregnancy", "Pregnant", state, "yes"), sex=sex)
    if sex == "unknown":
        who["sex"] = Feature("sex", "Sex", FeatureState.MISSING, "unknown")
    assert codes(who)["prevent_base ascvd"] == code


def test_kidney_failure_stops_the_equations_that_have_no_egfr_of_their_own() -> None:
    found = decided(person(58, egfr_ml_min_173m2="14.96"))
    for name in ("mesa_chd chd", "mesa_chd_cac chd", "fsrp_2017 stroke", "fsrp_1991 stroke", *OLDER_CVD):
        assert (found[name].reason_code, found[name].field) == ("EGFR_BELOW_RANGE", "egfr_ml_min_173m2")
        assert found[name].sentence == (
            "Not shown: eGFR 14.96 mL/min/1.73 m², below 15, is recorded. This equation was not derived in people with "
            "kidney failure."
        )
    assert codes(person(58, egfr_ml_min_173m2="15"))["mesa_chd chd"] == ""
    assert codes(person(58, egfr_ml_min_173m2="14.9"), "EUROPE")["score2 cvd"] == "HIGH_RISK_BY_DIAGNOSIS"


@pytest.mark.parametrize("score", ["cha2ds2_va stroke", "cha2ds2_vasc stroke"])
def test_a_stent_that_nobody_recorded_withholds_the_points_that_count_vascular_disease(score: str) -> None:
    fibrillation = listed("atrial_fibrillation", "atrial fibrillation")
    known = person(70, fibrillation, metal_in_ct="yes", valvular_atrial_fibrillation="no")
    assert codes(known)[score] == "CONTRADICTION"
    cleared = person(70, fibrillation, metal_in_ct="no", valvular_atrial_fibrillation="no")
    assert codes(cleared)[score] == ""


def test_a_wider_yes_with_no_stroke_is_a_tia() -> None:
    assert codes(person(58, prior_stroke_or_tia="yes", prior_tia=""))["prevent_base ascvd"] == "PRIOR_TIA"


def test_heart_failure_does_not_hide_a_coronary_disease() -> None:
    disease = listed("prior_cardiovascular_disease", "heart failure")
    both = person(58, disease, heart_failure="yes", coronary_heart_disease="yes")
    assert codes(both)["prevent_base ascvd"] == "PRIOR_ASCVD"
    assert codes(person(58, disease, heart_failure="yes"))["prevent_base ascvd"] == "PRIOR_HF"
