"""How estimates, refusals, notes and shares are arranged, without a database."""

from __future__ import annotations

import pytest

from cdss.assessments.models import Attribution, EstimateRole, RiskEstimate, Section
from cdss.dashboard.presenters_estimates import EstimateSection, present_estimates
from cdss.dashboard.presenters_refusals import present_refusals, refusals_by_weight
from cdss.dashboard.presenters_shares import present_shares

FH = {"code": "FH_RANGE", "sentence": "LDL-C is in the range of familial hypercholesterolaemia"}
LIMITED = {"code": "LIMITED_HORIZON", "sentence": "a long-term figure is opened on demand"}
EXTRAPOLATED = {"code": "EXTRAPOLATED", "sentence": "extrapolated: mean follow-up was 4.8 years"}


def estimate(equation: str = "prevent_base", outcome: str = "total_cvd", **columns: object) -> RiskEstimate:
    stated = {
        "section": Section.CARDIOVASCULAR,
        "role": EstimateRole.PRIMARY,
        "horizon_years": 10,
        "equation_version": "2023",
        "is_genetic": False,  # columns with a default of the database have no value before they are written
        "meaning": "",
        "scale": "",
        **columns,
    }
    found = RiskEstimate(equation=equation, outcome=outcome, **stated)
    found._prefetched_objects_cache = {"attributions": []}
    return found


def refused(equation: str, code: str, sentence: str, **columns: object) -> RiskEstimate:
    return estimate(equation, reason_code=code, sentence=sentence, **columns)


def only_section(*estimates: RiskEstimate, may_see_genetics: bool = False) -> EstimateSection:
    (section,) = present_estimates(estimates, may_see_genetics=may_see_genetics).sections
    return section


def test_one_reason_in_the_words_of_several_equations_is_said_once() -> None:
    missing = "is not shown: total cholesterol is not recorded."
    (refusal,) = present_refusals(
        [
            refused("prevent_base", "MISSING_TOTAL_CHOLESTEROL", f"PREVENT over 10 years {missing}"),
            refused("prevent_base", "MISSING_TOTAL_CHOLESTEROL", f"PREVENT over 10 years {missing}", outcome="ascvd"),
            refused("prevent_base", "MISSING_TOTAL_CHOLESTEROL", f"PREVENT over 30 years {missing}", horizon_years=30),
            refused("prevent_hba1c", "MISSING_TOTAL_CHOLESTEROL", f"PREVENT with HbA1c over 10 years {missing}"),
        ]
    )
    assert refusal.sentence == "Not shown: total cholesterol is not recorded."
    assert refusal.equations == [
        "PREVENT: total cardiovascular disease (10 and 30 years), atherosclerotic cardiovascular disease (10 years)",
        "PREVENT with HbA1c: total cardiovascular disease (10 years)",
    ]


def test_the_same_code_for_another_value_stays_a_reason_of_its_own() -> None:
    rows = [
        refused("prevent_base", "AGE_ABOVE_RANGE", "PREVENT over 10 years ends at 79; this person is 82."),
        refused("score2", "AGE_ABOVE_RANGE", "SCORE2 over 10 years ends at 69; this person is 82."),
    ]
    assert [item.sentence for item in present_refusals(rows)] == [row.sentence for row in rows]


@pytest.mark.parametrize(
    ("code", "has_primary", "is_loud"),
    [
        ("PRIOR_ASCVD", True, True),
        ("PRIOR_ASCVD", False, True),
        ("REGION", True, False),
        ("AGE_ABOVE_RANGE", True, False),
        ("AGE_ABOVE_RANGE", False, True),
    ],
)
def test_what_is_for_other_people_is_not_pressed_on_the_reader(code: str, has_primary: bool, is_loud: bool) -> None:
    rows = [refused("score2", code, "Not shown."), refused("mesa_chd", "OTHER", "No.", role=EstimateRole.SECOND)]
    loud, quiet = refusals_by_weight(rows, has_primary=has_primary, has_number=has_primary)
    assert (code in {item.reason_code for item in loud}) is is_loud
    assert {item.reason_code for item in (*loud, *quiet)} == {code, "OTHER"}


def test_a_section_that_has_only_quiet_reasons_still_says_why_it_is_empty() -> None:
    rows = [refused("score2", "REGION", "Not here.")]
    loud, quiet = refusals_by_weight(rows, has_primary=False, has_number=False)
    assert [item.reason_code for item in loud] == ["REGION"]
    assert quiet == []


@pytest.mark.parametrize("other", [estimate(risk=0.1, role=EstimateRole.SECOND), refused("mesa_chd", "OTHER", "No.")])
@pytest.mark.parametrize("role", [EstimateRole.PRIMARY, EstimateRole.SECOND])
def test_another_continent_is_never_loud_beside_a_number_or_another_reason(
    other: RiskEstimate, role: EstimateRole
) -> None:
    section = only_section(refused("score2", "REGION", "SCORE2 is for Europe.", outcome="cvd", role=role), other)
    assert "REGION" not in {item.reason_code for item in section.refusals}
    assert [item.reason_code for item in section.quiet_refusals] == ["REGION"]


def test_what_holds_for_the_person_is_said_once_before_numbers_refusals_and_older_equations() -> None:
    section = only_section(
        estimate(risk=0.1, role=EstimateRole.SECOND, notes=[FH]),
        refused("prevent_uacr", "MISSING_SMOKING", "Not shown.", role=EstimateRole.SECOND, notes=[FH]),
        estimate("pce_2013", "ascvd", risk=0.08, role=EstimateRole.OLDER, notes=[FH]),
        refused("framingham_2008_bmi", "MISSING_BMI", "No BMI.", role=EstimateRole.OLDER, notes=[FH, EXTRAPOLATED]),
    )
    assert [note.code for note in section.notes] == ["FH_RANGE"]
    told = [*section.second.risks, *section.older.risks, *section.refusals, *section.older_refusals]
    assert [[note.code for note in item.notes] for item in told] == [[], [], [], ["EXTRAPOLATED"]]
    assert not any(card.warnings for card in (*section.second.cards, *section.older.cards))


def test_what_holds_for_the_person_is_said_once_where_every_number_is_refused() -> None:
    rows = [
        refused("prevent_base", "MISSING_SMOKING", "Not shown.", notes=[FH]),
        refused("score2", "REGION", "Not here.", notes=[FH]),
    ]
    section = only_section(*rows)
    assert [note.code for note in section.notes] == ["FH_RANGE"]
    assert [item.notes for item in (*section.refusals, *section.quiet_refusals)] == [[], []]


def test_a_reason_is_pointed_to_only_where_its_code_stands_once_above() -> None:
    asked = "Not shown until someone states whether this person "
    disease, stroke = f"{asked}has known cardiovascular disease.", f"{asked}had a stroke."
    older = refused("pce_2013", "UNKNOWN_HISTORY", disease, role=EstimateRole.OLDER)
    above = refused("prevent_base", "UNKNOWN_HISTORY", disease)
    other = refused("mesa_chd", "UNKNOWN_HISTORY", stroke, role=EstimateRole.SECOND)
    (pointing,) = only_section(above, older).older_refusals
    assert pointing.is_said
    (repeated,) = only_section(above, other, older).older_refusals
    assert (repeated.is_said, repeated.sentence) == (False, disease)


def test_computed_and_not_shown_and_genetic_numbers_are_left_out() -> None:
    rows = [
        estimate(risk=0.1),
        estimate("libra", role=EstimateRole.API, score=1.0),
        estimate("caide_2", role=EstimateRole.SECOND, score=3.0, is_genetic=True),
    ]
    assert [card.estimate.equation for card in only_section(*rows).second.cards] == []
    seen = only_section(*rows, may_see_genetics=True)
    assert [card.estimate.equation for card in seen.second.cards] == ["caide_2"]


def test_a_score_leads_with_points_even_where_its_authors_printed_a_risk() -> None:
    section = only_section(
        estimate("fsrp_1991", "stroke", role=EstimateRole.OLDER, score=9.0, score_low=0.0, score_high=30.0, risk=0.08)
    )
    (card,) = section.older.scores
    assert (card.score, card.icons, card.interval) == ("9 of 30 points", None, "")
    assert section.older.risks == []
    assert not section.has_number


def test_a_note_of_every_number_is_said_once_before_them_and_others_stay_beside_theirs() -> None:
    section = only_section(
        estimate(risk=0.1, notes=[FH], role=EstimateRole.SECOND),
        estimate(risk=0.3, horizon_years=30, notes=[FH, EXTRAPOLATED], role=EstimateRole.SECOND),
    )
    assert [note.sentence for note in section.notes] == [f"{FH['sentence']}."]
    assert [[note.sentence for note in row.notes] for row in section.second.risks] == [
        [],
        ["Extrapolated: mean follow-up was 4.8 years."],
    ]


def test_a_warning_of_one_number_is_read_before_it() -> None:
    section = only_section(estimate(risk=0.1, notes=[FH]), estimate(outcome="ascvd", risk=0.05))
    assert section.notes == []
    assert [note.code for note in section.primary[0].warnings] == ["FH_RANGE"]
    assert section.primary[0].notes == []


def test_limited_horizon_collapses_a_section_and_hides_its_terms() -> None:
    shown = present_estimates([estimate(risk=0.1, notes=[LIMITED])], may_see_genetics=False)
    assert shown.collapsed_because == "A long-term figure is opened on demand."
    assert shown.explained == []
    assert shown.sections[0].primary[0].notes == []


def test_mesa_is_one_line_while_it_has_a_number_and_a_refusal_when_it_has_none() -> None:
    second = {"role": EstimateRole.SECOND, "outcome": "chd"}
    without = estimate("mesa_chd", risk=0.05, **second)
    with_calcium = refused("mesa_chd_cac", "NO_VALID_CAC", "Calcium not scored.", **second)
    pair = only_section(without, with_calcium).pair
    assert pair is not None
    assert pair.without is not None
    assert pair.with_calcium_refused is with_calcium
    assert pair.shown.estimate is without
    neither = [
        refused(name, "PREGNANCY", "Not shown during pregnancy.", **second) for name in ("mesa_chd", "mesa_chd_cac")
    ]
    section = only_section(*neither)
    assert section.pair is None
    assert len(section.refusals) == 1
    assert len(section.refusals[0].equations) == 2


def test_risks_beside_stand_by_equation_and_outcome() -> None:
    section = only_section(
        estimate(risk=0.1),
        estimate("prevent_hba1c", role=EstimateRole.SECOND, risk=0.11),
        estimate("prevent_hba1c", "ascvd", role=EstimateRole.SECOND, risk=0.07),
        estimate("prevent_uacr", "ascvd", role=EstimateRole.SECOND, risk=0.08),
    )
    beside = section.second
    assert beside.outcomes == ["Total cardiovascular disease", "Atherosclerotic cardiovascular disease"]
    assert [[card.estimate.risk if card else None for card in row.risks] for row in beside.risks] == [
        [0.11, 0.07],
        [None, 0.08],
    ]
    assert beside.interval == "This equation publishes no interval."


def test_a_category_never_stands_without_range_outcome_guideline_and_year() -> None:
    category = {
        "word": "Intermediate",
        "range": "5 % to < 10 %",
        "outcome": "ascvd",
        "guideline": "ACC/AHA dyslipidemia",
        "year": 2026,
        "verified": False,
    }
    (card,) = only_section(estimate(outcome="ascvd", risk=0.0996, categories=[category])).primary
    assert card.categories == [
        "Intermediate (5 % to < 10 %): Atherosclerotic cardiovascular disease, ACC/AHA dyslipidemia 2026; "
        "read second-hand"
    ]


@pytest.mark.parametrize(
    ("band", "told"),
    [
        (("< 7.5 %", "7.496 %"), "< 7.5 %; 7.496 % unrounded, below 7.5 %"),
        (("5 % to < 10 %", "9.97 %"), "5 % to < 10 %; 9.97 % unrounded, below 10 %"),
        (("5 % to < 10 %", ""), "5 % to < 10 %"),
    ],
)
def test_a_number_printed_as_the_threshold_it_is_below_is_told_unrounded(band: tuple[str, str], told: str) -> None:
    held, exact = band
    category = {
        "word": "Below",
        "range": held,
        "exact": exact,
        "outcome": "total_cvd",
        "guideline": "AHA",
        "year": 2025,
    }
    (card,) = only_section(estimate(risk=0.07496, categories=[category])).primary
    assert card.categories == [f"Below ({told}): Total cardiovascular disease, AHA 2025"]


def test_shares_in_points_are_ordered_by_size_and_say_their_direction() -> None:
    rows = [
        Attribution(position=0, input="age_years", value="50", unit="a", reference_value="40", points=3.0),
        Attribution(position=1, input="has_diabetes", value="no", unit="", reference_value="no", points=0.0),
        Attribution(position=2, input="eats_mediterranean_diet", value="yes", reference_value="no", points=-1.7),
    ]
    shares = present_shares(rows)
    assert [(item.label, item.share_words, item.direction) for item in shares] == [
        ("Age", "+3", "raises"),
        ("Mediterranean diet", "−1.7", "lowers"),
        ("Diabetes", "0", "none"),
    ]
    assert (shares[0].left, shares[0].width) == (100.0, 96.0)
    assert shares[1].left + shares[1].width == pytest.approx(100, abs=0.1)


def test_shares_of_a_formula_keep_their_scale() -> None:
    rows = [
        Attribution(position=0, input="sdi_decile", value="7", unit="1", reference_value="1", log_odds_or_hazard=0.126)
    ]
    (share,) = present_shares(rows)
    assert (share.label, share.share_words) == ("Social deprivation index, decile", "+0.13")


def test_a_stroke_of_a_record_from_before_there_were_sections_stands_under_stroke() -> None:
    found = present_estimates([estimate(risk=0.05), estimate(outcome="stroke", risk=0.02)], may_see_genetics=False)
    assert [section.key for section in found.sections] == ["CARDIOVASCULAR", "STROKE"]
