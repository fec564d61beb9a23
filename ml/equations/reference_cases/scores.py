"""Reference cases of the stroke and dementia scores, calcium categories and Centiloid."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ml.equations.abcd2 import ABCD2
from ml.equations.bdsi import BDSI, is_high_risk
from ml.equations.cac_categories import cac_drs, rumberger_category
from ml.equations.caide import CAIDE_1, CAIDE_2, MODEL_1, MODEL_2, caide_band, caide_probability
from ml.equations.centiloid import centiloid
from ml.equations.cha2ds2 import CHA2DS2_VA, CHA2DS2_VASC
from ml.equations.equation import risk_of_person
from ml.equations.fsrp_1991 import FSRP_1991, fsrp_1991_risk
from ml.equations.fsrp_2017 import FSRP_2017
from ml.equations.libra import WEIGHTS, libra_of_factors
from ml.equations.points import points_of_person
from ml.equations.reference_cases.rows import (
    Comparison,
    Differences,
    NotShippedError,
    Person,
    Row,
    differences,
    label_difference,
    yes_no,
)


def _fsrp(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "takes_antihypertensive": yes_no(row["bp_tx"]),
        "has_diabetes": yes_no(row["diabetes"]),
        "is_current_smoker": yes_no(row["smoker"]),
        "has_prior_cardiovascular_disease": yes_no(row["cvd"]),
        "has_atrial_fibrillation": yes_no(row["af"]),
    }
    with_lvh = person | {"has_left_ventricular_hypertrophy": yes_no(row["lvh"])}
    without_lvh = person | {"has_left_ventricular_hypertrophy": False}
    found = {
        "exp_fsrp2017_10y_prob": risk_of_person(FSRP_2017, outcome="stroke", horizon_years=10, person=person),
        "exp_fsrp1991_points": points_of_person(FSRP_1991, person=with_lvh),
        "exp_fsrp1991_points_noLVH_TS": points_of_person(FSRP_1991, person=without_lvh),
    }
    printed = fsrp_1991_risk(**with_lvh)
    # Whole percents again; infinite where nothing is printed although the source has a number.
    found["exp_fsrp1991_pct"] = math.inf if printed is None else round(100 * printed, 9)
    return differences(row, found)


def _caide(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "education_years": float(row["education_years"]),
        "systolic_bp_mmhg": float(row["sbp"]),
        "bmi_kg_m2": float(row["bmi"]),
        "total_cholesterol_mmol_l": float(row["total_c_mmol"]),
        "is_physically_active": yes_no(row["physically_active"]),
    }
    points_1 = points_of_person(CAIDE_1, person=person)
    points_2 = points_of_person(CAIDE_2, person=person | {"is_apoe_e4_carrier": yes_no(row["apoe_e4"])})
    found = {
        "caide1_points": points_1,
        "caide2_points": points_2,
        "caide1_band_pct": caide_band(MODEL_1, points_1)[2],
        "caide2_band_pct": caide_band(MODEL_2, points_2)[2],
        "caide1_prob_keyoniq_pct": 100 * caide_probability(MODEL_1, points_1),
        "caide2_prob_keyoniq_pct": 100 * caide_probability(MODEL_2, points_2),
    }
    return differences(row, found)


def _bdsi(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "education_years": float(row["education_years"]),
        "bmi_kg_m2": float(row["bmi"]),
        "has_diabetes": yes_no(row["diabetes"]),
        "has_prior_stroke": yes_no(row["stroke"]),
        "needs_help_with_money_or_medication": yes_no(row["needs_help_money_or_meds"]),
        "has_depressive_symptoms": yes_no(row["depressive_symptoms"]),
    }
    points = points_of_person(BDSI, person=person)
    return differences(row, {"exp_bdsi": points, "exp_high_risk_ge22": float(is_high_risk(points))})


def _cha2ds2(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "has_heart_failure": yes_no(row["chf"]),
        "has_hypertension": yes_no(row["hypertension"]),
        "has_diabetes": yes_no(row["diabetes"]),
        "has_prior_stroke_or_tia": yes_no(row["stroke_tia"]),
        "has_vascular_disease": yes_no(row["vascular"]),
    }
    found = {
        "cha2ds2_vasc": points_of_person(CHA2DS2_VASC, person=person | {"sex": row["sex"]}),
        "cha2ds2_va": points_of_person(CHA2DS2_VA, person=person),
    }
    return differences(row, found)


_TIA_FEATURES = {"unilateral_weakness": "weakness", "speech_only": "speech", "none": "neither"}


def _abcd2(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "tia_systolic_bp_mmhg": float(row["sbp"]),
        "tia_diastolic_bp_mmhg": float(row["dbp"]),
        "tia_clinical_features": _TIA_FEATURES[row["clinical"]],
        "tia_duration_minutes": float(row["duration_min"]),
        "has_diabetes": yes_no(row["diabetes"]),
    }
    return differences(row, {"abcd2": points_of_person(ABCD2, person=person)})


def _libra(row: Row) -> Differences:
    return differences(row, {"exp_libra": libra_of_factors({factor: yes_no(row[factor]) for factor in WEIGHTS})})


def _cac_categories(row: Row) -> Differences:
    if row["kind"] != "category":
        raise NotShippedError("weights by peak density belong to the scoring of calcium, not to its categories")
    score = float(row["input"])
    found = {"exp_cac_drs": cac_drs(score), "exp_rumberger": rumberger_category(score)}
    return {column: label_difference(label, row[column]) for column, label in found.items() if row[column]}


def _centiloid(row: Row) -> Differences:
    found = centiloid(
        suvr=float(row["suvr"]),
        tracer=row["tracer"],
        pipeline=row["pipeline"],
        reference_region=row["ref_region"],
    )
    return differences(row, {"exp_centiloid": found})


COMPARISONS: Mapping[str, Comparison] = {
    "fsrp": _fsrp,
    "caide": _caide,
    "bdsi": _bdsi,
    "cha2ds2": _cha2ds2,
    "abcd2": _abcd2,
    "libra": _libra,
    "cac_categories": _cac_categories,
    "centiloid": _centiloid,
}
