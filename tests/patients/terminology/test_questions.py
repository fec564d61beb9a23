from __future__ import annotations

import pytest

from patients.terminology import (
    CONDITIONS,
    ENTERED_QUANTITIES,
    QUANTITY_OF_CODE,
    QUESTION_OF_FEATURE,
    QUESTIONS,
    SMOKING_ANSWERS,
    Asked,
    CodedCondition,
    Question,
    QuestionGroup,
    medication_answers,
)

# Verhoeff's tables: SNOMED CT identifiers end in his check digit.
_PERMUTATION = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4))


def _permuted(position: int, digit: int) -> int:
    for _ in range(position % 8):
        digit = _PERMUTATION[1][digit]
    return digit


def _dihedral(a: int, b: int) -> int:
    """The product in the group of the pentagon's symmetries."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def _is_snomed_identifier(code: str) -> bool:
    check = 0
    for position, digit in enumerate(reversed(code)):
        check = _dihedral(check, _permuted(position, int(digit)))
    return check == 0


@pytest.mark.parametrize("code", [*CONDITIONS, *(code for code in SMOKING_ANSWERS if code.isdigit())])
def test_every_snomed_ct_code_has_its_check_digit(code: str) -> None:
    assert _is_snomed_identifier(code)
    other_last_digit = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert not _is_snomed_identifier(other_last_digit)


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda condition: condition.words)
def test_every_diagnosis_answers_questions_there_are_with_yes(condition: CodedCondition) -> None:
    for feature in (*condition.answers, *condition.answers_if_recent):
        assert "yes" in QUESTION_OF_FEATURE[feature].answers
    assert condition.answers


@pytest.mark.parametrize(
    ("code", "answers"),
    [
        ("57054005", {"prior_cardiovascular_disease", "coronary_heart_disease", "vascular_disease"}),
        ("194828000", {"prior_cardiovascular_disease", "coronary_heart_disease", "vascular_disease"}),
        ("414545008", {"prior_cardiovascular_disease", "coronary_heart_disease", "vascular_disease"}),
        ("399261000", {"prior_cardiovascular_disease", "coronary_heart_disease", "vascular_disease"}),
        ("703272007", {"prior_cardiovascular_disease", "heart_failure"}),
        ("399957001", {"prior_cardiovascular_disease", "vascular_disease"}),
        ("81817003", {"vascular_disease"}),
        ("432504007", {"prior_stroke", "prior_stroke_or_tia"}),
        ("266257000", {"prior_tia", "prior_stroke_or_tia"}),
        ("46635009", {"diabetes", "type_1_diabetes"}),
        ("398036000", {"familial_hypercholesterolaemia"}),
        ("386805003", {"cognitive_disorder"}),
    ],
)
def test_diagnosis_answers_what_it_implies_and_nothing_else(code: str, answers: set[str]) -> None:
    assert set(CONDITIONS[code].answers) == answers


def test_only_acute_events_can_be_recent() -> None:
    recent = {feature: set() for condition in CONDITIONS.values() for feature in condition.answers_if_recent}
    for condition in CONDITIONS.values():
        for feature in condition.answers_if_recent:
            recent[feature].add(condition.words)
    assert recent["tia_within_7_days"] == {"transient ischaemic attack"}
    assert "history of myocardial infarction" not in recent["acute_coronary_syndrome_recent"]
    assert "angina" not in recent["acute_coronary_syndrome_recent"]


@pytest.mark.parametrize(
    ("atc", "is_answered"),
    [("B01AA03", True), ("B01AE07", True), ("B01AF01", True), ("B01AB05", False), ("B01AC06", False)],
)
def test_anticoagulants_are_those_taken_for_long(atc: str, is_answered: bool) -> None:
    assert medication_answers(atc) == (("anticoagulant_treatment",) if is_answered else ())


_STATIN = {"statin_treatment", "lipid_lowering_treatment"}


@pytest.mark.parametrize(
    ("atc", "answers"),
    [
        ("C10BX02", _STATIN),  # pravastatin and acetylsalicylic acid
        ("C10BX05", _STATIN),  # rosuvastatin and acetylsalicylic acid
        ("C10BX08", _STATIN),  # atorvastatin and acetylsalicylic acid
        ("C10BX16", {*_STATIN, "antihypertensive_treatment"}),  # rosuvastatin and fimasartan
        ("C10BX17", {*_STATIN, "antihypertensive_treatment"}),  # rosuvastatin and ramipril
        ("C10BX18", {*_STATIN, "antihypertensive_treatment"}),  # atorvastatin, amlodipine and ramipril
        ("C10BX22", {*_STATIN, "antihypertensive_treatment"}),  # rosuvastatin and nebivolol
        ("C10BX24", {*_STATIN, "antihypertensive_treatment"}),  # rosuvastatin, amlodipine and telmisartan
        ("C10BX", _STATIN),  # which combination is not said
        ("C10BA10", {"lipid_lowering_treatment"}),  # bempedoic acid and ezetimibe
        ("A10BH52", _STATIN),  # gemigliptin and rosuvastatin
        ("A10AB01", {"diabetes"}),
        ("A10AE56", {"diabetes"}),  # insulin degludec and liraglutide
        ("A10BA02", set()),  # metformin is given without diabetes too
        ("A10BK03", set()),  # empagliflozin: heart failure
    ],
)
def test_combination_answers_for_every_drug_in_it(atc: str, answers: set[str]) -> None:
    assert set(medication_answers(atc)) == answers


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.feature)
def test_question_depends_only_on_questions_asked_before_it(question: Question) -> None:
    before = [other.feature for other in QUESTIONS[: QUESTIONS.index(question)]]
    if question.asked.when is not None:
        feature, answers = question.asked.when
        assert feature in before
        assert set(answers) <= set(QUESTION_OF_FEATURE[feature].answers)


def test_questions_of_a_group_that_a_page_asks_are_all_titled_and_distinct() -> None:
    titles = [question.title for question in QUESTIONS]
    assert len(set(titles)) == len(titles)
    assert {question.group for question in QUESTIONS if question.on_page} == set(QuestionGroup)
    assert all(group.words for group in QuestionGroup)
    assert [question.feature for question in QUESTIONS if question.is_genetic] == ["apoe_e4"]


@pytest.mark.parametrize(
    ("feature", "age_years", "sex", "answers", "is_asked"),
    [
        ("pregnancy", 30, "female", {}, True),
        ("pregnancy", 30, "male", {}, False),
        ("pregnancy", 30, "unknown", {}, True),
        ("pregnancy", 51, "female", {}, False),
        ("pregnancy", None, "other", {}, True),
        ("anticoagulant_treatment", 70, "male", {}, False),
        ("anticoagulant_treatment", 70, "male", {"atrial_fibrillation": "no"}, False),
        ("anticoagulant_treatment", 70, "male", {"atrial_fibrillation": "yes"}, True),
        ("tia_within_7_days", 70, "male", {"prior_stroke_or_tia": "yes"}, True),
        ("tia_clinical_features", 70, "male", {"prior_stroke_or_tia": "yes"}, False),
        ("apoe_e4", 64, "female", {}, True),
        ("apoe_e4", 65, "female", {}, False),
        ("left_ventricular_hypertrophy", 54, "male", {}, False),
        ("left_ventricular_hypertrophy", 86, "male", {}, True),
        ("depressive_symptoms", 64, "female", {}, False),
        ("depressive_symptoms", 65, "female", {}, True),
        ("cognitive_disorder", 80, "female", {}, False),
        ("smoking", 80, "male", {}, True),
    ],
)
def test_page_asks_only_those_whom_it_concerns(
    feature: str, age_years: int | None, sex: str, answers: dict[str, str], is_asked: bool
) -> None:
    asked = QUESTION_OF_FEATURE[feature].asked
    assert asked.is_for(age_years=age_years, sex=sex, answers=answers) == is_asked


def test_ages_are_inclusive_and_ordered() -> None:
    limits = [question.asked.ages for question in QUESTIONS if question.asked.ages]
    assert all(least < most for least, most in limits)
    assert [Asked(ages=(39, 64)).is_for(age_years=age, sex="male", answers={}) for age in (38, 39, 64, 65)] == [
        *(False, True, True, False)
    ]


@pytest.mark.parametrize("entered", ENTERED_QUANTITIES, ids=lambda entered: entered.quantity.feature)
def test_number_entered_on_a_page_is_recorded_under_a_code_that_is_understood(entered) -> None:
    assert QUANTITY_OF_CODE[entered.code_system, entered.code] is entered.quantity
    assert not entered.quantity.unused_sentence
