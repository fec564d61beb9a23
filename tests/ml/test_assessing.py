"""Assessing one person: numbers, refusals, order, and the same bytes every time."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys

import pytest

from ml.assessing import assess
from ml.equations.catalogue import RISK_EQUATIONS
from ml.registry import load_release
from ml.types import AssessmentInputs, EquationRequest

WOMAN = AssessmentInputs(
    requests=(),
    age_years=50,
    sex="female",
    systolic_bp_mmhg=160,
    total_cholesterol_mmol_l=5.172,
    hdl_cholesterol_mmol_l=1.1637,
    bmi_kg_m2=35,
    egfr_ml_min_173m2=90,
    has_diabetes=True,
    is_current_smoker=False,
    takes_antihypertensive=True,
    takes_statin=False,
    takes_lipid_lowering=False,
    has_family_history_of_heart_attack=False,
    mesa_race_ethnicity="white",
)
REQUESTS = (
    EquationRequest("prevent_base", "total_cvd", 10),
    EquationRequest("mesa_chd_cac", "chd", 10),
    EquationRequest("mesa_chd", "chd", 10),
    EquationRequest("prevent_base", "heart_failure", 30),
)


def test_estimates_come_in_the_order_requested_each_a_number_or_a_refusal() -> None:
    release = load_release("equations-1.0.0")
    result = assess(release, dataclasses.replace(WOMAN, requests=REQUESTS))
    assert (result.release, result.release_sha256) == ("equations-1.0.0", release.sha256)
    assert [(e.equation, e.outcome, e.horizon_years) for e in result.estimates] == [
        (r.equation, r.outcome, r.horizon_years) for r in REQUESTS
    ]
    for estimate in result.estimates:
        assert (estimate.risk is None) != (estimate.reason_code is None)
        assert (estimate.risk_low, estimate.risk_high, estimate.coverage) == (None, None, None)
    assert result.estimates[0].risk == pytest.approx(0.146839391, abs=1e-9)
    assert result.estimates[3].risk == pytest.approx(0.389602267, abs=1e-9)


def test_refusal_names_field_value_and_limit_and_has_no_contributions() -> None:
    request = EquationRequest("prevent_base", "stroke", 10)
    old = dataclasses.replace(WOMAN, age_years=80, requests=(request,))
    (estimate,) = assess(load_release("equations-1.0.0"), old).estimates
    assert (estimate.reason_code, estimate.field, estimate.field_value) == ("AGE_ABOVE_RANGE", "age_years", 80)
    assert estimate.limit is not None
    assert estimate.limit.startswith("30 to 79 years; source: ")
    assert (estimate.risk, estimate.reference_risk, estimate.contributions) == (None, None, ())


def test_calcium_that_nobody_confirmed_is_not_a_score_of_0() -> None:
    request = (EquationRequest("mesa_chd_cac", "chd", 10),)
    release = load_release("equations-1.0.0")
    (unconfirmed,) = assess(release, dataclasses.replace(WOMAN, requests=request)).estimates
    (zero,) = assess(release, dataclasses.replace(WOMAN, requests=request, agatston_score=0)).estimates
    assert (unconfirmed.reason_code, unconfirmed.sentence) == ("NOT_CONFIRMED", "Calcium not scored: not confirmed.")
    assert zero.risk is not None


def test_nothing_known_is_refused_for_every_request() -> None:
    result = assess(load_release("equations-1.0.0"), AssessmentInputs(requests=REQUESTS))
    assert [estimate.reason_code for estimate in result.estimates] == ["MISSING_AGE"] * len(REQUESTS)


def test_no_request_is_no_estimate() -> None:
    assert assess(load_release("equations-1.0.0"), WOMAN).estimates == ()


@pytest.mark.parametrize(
    "request_",
    [
        EquationRequest("prevent_full", "ascvd", 10),
        EquationRequest("ckd_epi_2021", "egfr", 10),
        EquationRequest("prevent_base", "dementia", 10),
        EquationRequest("mesa_chd", "chd", 30),
    ],
)
def test_request_that_the_release_does_not_have_is_a_programming_error(request_: EquationRequest) -> None:
    with pytest.raises(ValueError, match=request_.equation):
        assess(load_release("equations-1.0.0"), dataclasses.replace(WOMAN, requests=(request_,)))


def test_equation_that_the_manifest_does_not_list_is_not_evaluated() -> None:
    release = load_release("equations-1.0.0")
    without = dataclasses.replace(release, manifest={**release.manifest, "equations": {"mesa_chd": {}}})
    with pytest.raises(ValueError, match="has no risk equation 'prevent_base'"):
        assess(without, dataclasses.replace(WOMAN, requests=REQUESTS[:1]))


# What a release of every equation can be asked, and a person about whom everything is known.
EVERYTHING = tuple(
    EquationRequest(name, outcome, horizon_years)
    for name, equation in RISK_EQUATIONS.items()
    for horizon_years in equation.rules
    for outcome in equation.outcomes
)
KNOWN = dataclasses.replace(
    WOMAN,
    age_years=57,
    tia_systolic_bp_mmhg=142,
    tia_diastolic_bp_mmhg=88,
    hba1c_percent=6.1,
    urine_albumin_creatinine_ratio_mg_g=25,
    sdi_decile=4,
    pce_race="white",
    score2_region="moderate",
    agatston_score=37.5,
    has_prior_cardiovascular_disease=False,
    has_heart_failure=False,
    has_coronary_heart_disease=False,
    has_vascular_disease=False,
    has_hypertension=True,
    has_atrial_fibrillation=False,
    has_left_ventricular_hypertrophy=False,
    has_prior_stroke=False,
    has_prior_stroke_or_tia=False,
    tia_clinical_features="speech",
    tia_duration_minutes=20,
    education_years=11,
    is_physically_active=True,
    is_apoe_e4_carrier=False,
    has_depressive_symptoms=False,
    needs_help_with_money_or_medication=False,
    has_high_cognitive_activity=True,
    eats_mediterranean_diet=True,
    drinks_low_to_moderate_alcohol=True,
)


def test_every_request_of_the_catalogue_gets_a_number_or_the_refusal_of_an_age() -> None:
    result = assess(load_release("equations-1.1.0"), dataclasses.replace(KNOWN, requests=EVERYTHING))
    refused = {estimate.equation: estimate.field for estimate in result.estimates if estimate.reason_code}
    assert refused == {"score2_op": "age_years", "bdsi": "age_years"}
    for estimate in result.estimates:
        has_number = estimate.risk is not None or estimate.score is not None
        assert has_number != (estimate.reason_code is not None)
        assert bool(estimate.contributions) == has_number


def test_requests_in_any_order_get_the_bits_of_each_alone() -> None:
    release = load_release("equations-1.1.0")
    shuffled = random.Random(20240315).sample(EVERYTHING, len(EVERYTHING))
    together = assess(release, dataclasses.replace(KNOWN, requests=tuple(shuffled))).estimates
    for request, estimate in zip(shuffled, together, strict=True):
        (alone,) = assess(release, dataclasses.replace(KNOWN, requests=(request,))).estimates
        assert dataclasses.asdict(estimate) == dataclasses.asdict(alone)
        asked = (request.equation, request.outcome, request.horizon_years)
        assert (estimate.equation, estimate.outcome, estimate.horizon_years) == asked


def test_same_request_twice_is_answered_twice() -> None:
    twice = assess(load_release("equations-1.1.0"), dataclasses.replace(KNOWN, requests=REQUESTS[:1] * 2)).estimates
    assert twice[0] == twice[1]


def test_score_is_points_on_its_scale_with_a_meaning_and_no_risk_unless_printed() -> None:
    requests = (EquationRequest("caide_1", "dementia", 20), EquationRequest("fsrp_1991", "stroke", 10))
    caide, stroke = assess(load_release("equations-1.1.0"), dataclasses.replace(KNOWN, requests=requests)).estimates
    for estimate in (caide, stroke):
        assert estimate.score is not None
        assert estimate.score_low is not None
        assert estimate.score_high is not None
        assert estimate.score_low <= estimate.score <= estimate.score_high
        assert estimate.scale == "points"
        assert estimate.meaning
        assert estimate.reason_code is None
        assert all(one.points is not None and one.log_odds_or_hazard is None for one in estimate.contributions)
    assert caide.risk is None
    assert stroke.risk is not None


def test_refused_score_names_field_and_limit_and_has_no_meaning() -> None:
    young = dataclasses.replace(KNOWN, age_years=38, requests=(EquationRequest("caide_1", "dementia", 20),))
    (estimate,) = assess(load_release("equations-1.1.0"), young).estimates
    assert (estimate.reason_code, estimate.field, estimate.field_value) == ("AGE_BELOW_RANGE", "age_years", 38)
    assert (estimate.score, estimate.risk, estimate.meaning, estimate.scale) == (None, None, None, None)
    assert estimate.limit is not None


def test_optional_input_that_is_not_known_is_the_equations_own_missing_term() -> None:
    request = (EquationRequest("prevent_hba1c", "ascvd", 10),)
    without = dataclasses.replace(KNOWN, requests=request, hba1c_percent=None)
    (estimate,) = assess(load_release("equations-1.1.0"), without).estimates
    assert estimate.risk is not None
    assert {one.input: one.value for one in estimate.contributions}["hba1c_percent"] == "not measured"


_PRINT_RESULT = """
import dataclasses, json
from ml.assessing import assess
from ml.equations.catalogue import RISK_EQUATIONS
from ml.registry import load_release
from ml.types import AssessmentInputs, EquationRequest
given = json.loads({given!r})
requests = tuple(EquationRequest(**r) for r in given.pop("requests"))
print(json.dumps(dataclasses.asdict(assess(load_release("equations-1.0.0"), AssessmentInputs(requests, **given)))))
"""


def test_same_inputs_give_the_same_bytes_in_another_process() -> None:
    inputs = dataclasses.replace(WOMAN, requests=REQUESTS, agatston_score=37.5)
    code = _PRINT_RESULT.format(given=json.dumps(dataclasses.asdict(inputs)))
    here = json.dumps(dataclasses.asdict(assess(load_release("equations-1.0.0"), inputs)))
    for hash_seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == here
