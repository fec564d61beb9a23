"""The only module of this app that imports `ml`: features in, columns of our tables out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.equations.cac_categories import cac_drs
from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
from ml.equations.inputs import Quantity, number_text
from ml.errors import EquationRefusal
from ml.pipeline import assess
from ml.registry import load_release
from ml.types import AssessmentInputs, EquationRequest, Estimate, Sex


@dataclass(frozen=True, slots=True)
class InferenceResult:
    release: str
    release_sha256: str
    code_sha256: str
    estimates: list[Estimate]


def egfr_ml_min_173m2(*, creatinine_umol_l: float, age_years: int, sex: Sex) -> float | None:
    """CKD-EPI 2021, or None where it does not apply."""
    try:
        return float(egfr_ckd_epi_2021(creatinine_umol_l=creatinine_umol_l, age_years=age_years, sex=sex))
    except EquationRefusal:
        return None


def calcium_category(agatston_score: float) -> str:
    """The category of CAC-DRS 2018, which is of an amount and not of a risk; empty beyond what a score can be."""
    try:
        return cac_drs(agatston_score)
    except EquationRefusal:
        return ""


def release_label(name: str) -> tuple[str, str]:
    """A release's name with its version, and the SHA-256 of its manifest."""
    release = load_release(name)
    return release.label, release.sha256


def estimates_compute(
    *, release_name: str, requests: list[tuple[str, str, int]], values: dict[str, Any]
) -> InferenceResult:
    """One call of `ml.pipeline.assess`; `values` are the fields of AssessmentInputs."""
    release = load_release(release_name)
    inputs = AssessmentInputs(requests=tuple(EquationRequest(*request) for request in requests), **values)
    result = assess(release, inputs)
    return InferenceResult(result.release, result.release_sha256, result.code_sha256, list(result.estimates))


def release_manifest(name: str) -> dict[str, Any]:
    """What a release says of itself: equations with their citations, use, files and hashes."""
    return dict(load_release(name).manifest)


def equation_fields(name: str, horizon_years: int) -> list[str]:
    """The inputs of an equation, by their names in `ml.types.AssessmentInputs`, as they are checked."""
    return [rule.field for rule in RISK_EQUATIONS[name].rules[horizon_years]]


def equation_ranges(equation: str) -> list[str]:
    """The values that an equation accepts, in words; a range of one horizon only names that horizon."""
    found = RISK_EQUATIONS.get(equation)
    if found is None:
        return []
    horizons: dict[str, list[int]] = {}
    for years, rules in found.rules.items():
        for rule in rules:
            if isinstance(rule, Quantity):
                words = f"{rule.words} {number_text(rule.low)} to {number_text(rule.high)} {rule.unit}".strip()
                horizons.setdefault(words, []).append(years)
    return [
        words if len(years) == len(found.rules) else f"{words} (over {years[0]} years)"
        for words, years in horizons.items()
    ]
