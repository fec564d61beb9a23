"""ATC groups of current medication that answer a question with "yes"."""

from __future__ import annotations

# C02K (pulmonary hypertension, among others) is not a treatment of systemic hypertension.
_ANTIHYPERTENSIVES = ("C02A", "C02B", "C02C", "C02D", "C02L", "C03", "C07", "C08", "C09")
# Two gliptins are combined with a statin.
_GLIPTIN_WITH_STATIN = ("A10BH51", "A10BH52")
_STATINS = ("C10AA", "C10BA", "C10BX", *_GLIPTIN_WITH_STATIN)
_WITHOUT_STATIN = ("C10BA10",)
# C10BX01, 02, 05 and 08 are statins with acetylsalicylic acid alone; every other one up to 24 holds an ACE inhibitor,
# an angiotensin receptor blocker, amlodipine or nebivolol. One that WHO adds later has to be read before it is listed.
_STATIN_WITH_ANTIHYPERTENSIVE = tuple(f"C10BX{number:02}" for number in range(3, 25) if number not in {5, 8})
# Metformin, gliflozins and GLP-1 agonists are given without diabetes too; insulins are not.
_INSULINS = ("A10A",)
# Vitamin K antagonists, direct thrombin inhibitors, direct factor Xa inhibitors. Heparins (B01AB) are given for days
# and say nothing of long-term anticoagulation.
_ANTICOAGULANTS = ("B01AA", "B01AE", "B01AF")


def medication_answers(atc: str) -> tuple[str, ...]:
    """The questions that taking this drug answers with yes.

    >>> medication_answers("C10BX03")
    ('statin_treatment', 'lipid_lowering_treatment', 'antihypertensive_treatment')
    >>> medication_answers("B01AF02"), medication_answers("A10AE04")
    (('anticoagulant_treatment',), ('diabetes',))
    """
    answers: list[str] = []
    if atc.startswith(_STATINS) and not atc.startswith(_WITHOUT_STATIN):
        answers.append("statin_treatment")
    if atc.startswith(("C10", *_GLIPTIN_WITH_STATIN)):
        answers.append("lipid_lowering_treatment")
    if atc.startswith((*_ANTIHYPERTENSIVES, *_STATIN_WITH_ANTIHYPERTENSIVE)):
        answers.append("antihypertensive_treatment")
    if atc.startswith(_ANTICOAGULANTS):
        answers.append("anticoagulant_treatment")
    if atc.startswith(_INSULINS):
        answers.append("diabetes")
    return tuple(answers)
