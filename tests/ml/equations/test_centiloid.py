"""Centiloid: registered lines only, and no ratio of 0 or less."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.centiloid import LINES, CentiloidLine, centiloid, centiloid_of_people
from ml.errors import EquationRefusal

PIB = {"tracer": "11C-PiB", "pipeline": "GAAIN standard (Klunk 2015)", "reference_region": "Whole Cerebellum"}


def of_line(line: CentiloidLine, suvr: float) -> float:
    return centiloid(suvr=suvr, tracer=line.tracer, pipeline=line.pipeline, reference_region=line.reference_region)


def test_anchors_of_the_scale_are_0_and_100() -> None:
    assert centiloid(suvr=1.009, **PIB) == pytest.approx(0, abs=1e-9)
    assert centiloid(suvr=2.076, **PIB) == pytest.approx(100, abs=1e-9)


def test_one_ratio_gives_different_values_by_different_lines() -> None:
    florbetaben = [of_line(line, 1.3) for line in LINES if line.tracer == "18F-Florbetaben"]
    assert len(florbetaben) == 3
    assert max(florbetaben) - min(florbetaben) > 5


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.tracer}, {line.pipeline}")
@given(suvr=st.floats(0.1, 10))
def test_line_is_slope_times_ratio_plus_intercept_for_one_and_many(line: CentiloidLine, suvr: float) -> None:
    alone = of_line(line, suvr)
    assert alone == pytest.approx(line.slope * suvr + line.intercept, rel=1e-12, abs=1e-9)
    many, refused = centiloid_of_people(
        suvr=[suvr, suvr], tracer=line.tracer, pipeline=line.pipeline, reference_region=line.reference_region
    )
    assert many.tolist() == [alone, alone] and not refused.any()


def test_every_line_says_where_it_was_read() -> None:
    assert all("doi:10." in line.source for line in LINES)
    keys = {(line.tracer, line.pipeline, line.reference_region) for line in LINES}
    assert len(keys) == len(LINES) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"tracer": "18F-Flutemetamol"},
        {"pipeline": "our own"},
        {"reference_region": "Pons"},
        {"tracer": "18F-Florbetaben"},
        {"pipeline": "AVID FBB SUVR PIPELINE"},
    ],
)
def test_anything_that_is_not_registered_together_is_refused(change: dict[str, str]) -> None:
    asked = PIB | change
    with pytest.raises(EquationRefusal) as caught:
        centiloid(suvr=1.3, **asked)
    assert caught.value.reason_code == "PIPELINE_NOT_CALIBRATED"
    assert caught.value.sentence == f"This pipeline has no registered calibration for {asked['tracer']}."
    with pytest.raises(EquationRefusal):
        centiloid_of_people(suvr=[1.3], **asked)


def test_names_differ_by_more_than_case() -> None:
    asked = {name: value.upper() for name, value in PIB.items()}
    assert centiloid(suvr=1.3, **asked) == centiloid(suvr=1.3, **PIB)


@pytest.mark.parametrize(
    ("suvr", "code"),
    [
        (0.0, "SUVR_BELOW_RANGE"),
        (-1.2, "SUVR_BELOW_RANGE"),
        (11.0, "SUVR_ABOVE_RANGE"),
        (None, "MISSING_SUVR"),
        (math.nan, "SUVR_NOT_A_NUMBER"),
    ],
)
def test_ratio_that_cannot_be_one_is_refused(suvr: float | None, code: str) -> None:
    with pytest.raises(EquationRefusal) as caught:
        centiloid(suvr=suvr, **PIB)
    assert (caught.value.reason_code, caught.value.field) == (code, "suvr")


def test_refused_ratios_of_many_are_nan() -> None:
    many, refused = centiloid_of_people(suvr=[0.0, 1.009, math.nan], **PIB)
    assert refused.tolist() == np.isnan(many).tolist() == [True, False, True]
