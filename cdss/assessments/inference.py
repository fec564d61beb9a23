"""The only module of this app that imports `ml`: features in, columns of our tables out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
from ml.errors import EquationRefusal
from ml.pipeline import assess
from ml.registry import load_release
from ml.types import AssessmentInputs, EquationRequest, Estimate, Sex


@dataclass(frozen=True, slots=True)
class InferenceResult:
    release: str
    release_sha256: str
    estimates: list[Estimate]


def egfr_ml_min_173m2(*, creatinine_umol_l: float, age_years: int, sex: Sex) -> float | None:
    """CKD-EPI 2021, or None where it does not apply."""
    try:
        return float(egfr_ckd_epi_2021(creatinine_umol_l=creatinine_umol_l, age_years=age_years, sex=sex))
    except EquationRefusal:
        return None


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
    return InferenceResult(result.release, result.release_sha256, list(result.estimates))


def release_manifest(name: str) -> dict[str, Any]:
    """What a release says of itself: equations with their citations, use, files and hashes."""
    return dict(load_release(name).manifest)
