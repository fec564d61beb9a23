"""A page asks at the ages of the equations that use the answer; the two are written in different houses."""

from __future__ import annotations

from cdss.assessments.policy.table import EQUATIONS
from patients.terminology.questions import BDSI_AGES, CAIDE_AGES, DEMENTIA_AGES, FSRP_1991_AGES, PREVENT_AGES


def test_questions_are_asked_at_the_ages_of_their_equations() -> None:
    assert EQUATIONS["fsrp_1991"].ages == {10: FSRP_1991_AGES}
    assert EQUATIONS["caide_1"].ages == EQUATIONS["caide_2"].ages == {20: CAIDE_AGES}
    assert EQUATIONS["bdsi"].ages == {6: BDSI_AGES}
    assert EQUATIONS["prevent_sdi"].ages[10] == PREVENT_AGES
    assert (CAIDE_AGES[0], BDSI_AGES[1]) == DEMENTIA_AGES
