"""Assessing one person: numbers, refusals, order, and the same bytes every time."""

from __future__ import annotations

import dataclasses
import doctest
import json
import subprocess
import sys

import pytest

import ml.assessing
from ml.assessing import assess
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


_PRINT_RESULT = """
import dataclasses, json
from ml.assessing import assess
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


def test_docstring_examples_run() -> None:
    assert doctest.testmod(ml.assessing).failed == 0
