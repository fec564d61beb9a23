"""The codes and units understood. An unknown code is stored and shown as unused; an unknown unit is refused.

Only what this release uses is listed. Every conversion of the product is in this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cdss.core.errors import DomainError

LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
# Questions that hospitals do not send in a standard form; answered on the patient page.
LOCAL_QUESTION = "https://cdss.example/question"

# PREVENT's own factor; the reference cases of every equation use it.
CHOLESTEROL_MMOL_L_PER_MG_DL = Decimal("0.02586")
CREATININE_UMOL_L_PER_MG_DL = Decimal("88.4")


class UnknownUnitError(DomainError):
    status = 422
    code = "UNKNOWN_UNIT"


class ImplausibleValueError(DomainError):
    status = 422
    code = "IMPLAUSIBLE_VALUE"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured feature: its canonical unit, the units accepted with their factors, and what is plausible."""

    feature: str
    title: str
    unit: str  # canonical, UCUM
    factors: Mapping[str, Decimal]  # accepted UCUM unit -> factor to the canonical unit
    plausible: tuple[Decimal, Decimal]  # in the canonical unit, inclusive
    max_age_days: int  # older than this it is too old to score
    loinc: tuple[str, ...]


ONE = Decimal(1)
_CHOLESTEROL = {"mmol/L": ONE, "mg/dL": CHOLESTEROL_MMOL_L_PER_MG_DL}
FIVE_YEARS, TWO_YEARS = 1826, 731

QUANTITIES = (
    Quantity(
        "systolic_bp_mmhg",
        "Systolic blood pressure",
        "mm[Hg]",
        {"mm[Hg]": ONE},
        (Decimal(50), Decimal(300)),
        TWO_YEARS,
        ("8480-6",),
    ),
    Quantity(
        "total_cholesterol_mmol_l",
        "Total cholesterol",
        "mmol/L",
        _CHOLESTEROL,
        (Decimal("1.5"), Decimal(20)),
        FIVE_YEARS,
        ("2093-3", "14647-2"),
    ),
    Quantity(
        "hdl_cholesterol_mmol_l",
        "HDL cholesterol",
        "mmol/L",
        _CHOLESTEROL,
        (Decimal("0.2"), Decimal(5)),
        FIVE_YEARS,
        ("2085-9", "14646-4"),
    ),
    Quantity(
        "creatinine_umol_l",
        "Creatinine",
        "umol/L",
        {"umol/L": ONE, "mg/dL": CREATININE_UMOL_L_PER_MG_DL},
        (Decimal(20), Decimal(2000)),
        TWO_YEARS,
        ("2160-0", "14682-9"),
    ),
    Quantity(
        "bmi_kg_m2", "Body mass index", "kg/m2", {"kg/m2": ONE}, (Decimal(10), Decimal(90)), TWO_YEARS, ("39156-5",)
    ),
    Quantity(
        "body_weight_kg",
        "Body weight",
        "kg",
        {"kg": ONE, "g": Decimal("0.001"), "[lb_av]": Decimal("0.45359237")},
        (Decimal(20), Decimal(400)),
        TWO_YEARS,
        ("29463-7",),
    ),
    Quantity(
        "body_height_cm",
        "Body height",
        "cm",
        {"cm": ONE, "m": Decimal(100), "[in_i]": Decimal("2.54")},
        (Decimal(100), Decimal(250)),
        36525,
        ("8302-2",),
    ),
)
QUANTITY_OF_LOINC = {code: quantity for quantity in QUANTITIES for code in quantity.loinc}
QUANTITY_OF_FEATURE = {quantity.feature: quantity for quantity in QUANTITIES}


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can state. "Not recorded" is not "no"."""

    feature: str
    title: str
    help: str
    code_system: str
    code: str
    answers: Mapping[str, str]  # value_code -> words
    max_age_days: int | None = None  # older than this it has to be asked again; None: it does not change
    is_yes_lasting: bool = False  # a disease once had stays had


YES_NO = {"yes": "Yes", "no": "No"}
QUESTIONS = (
    Question(
        "prior_cardiovascular_disease",
        "Known cardiovascular disease",
        "Heart attack, angina, revascularisation, heart failure or symptomatic peripheral artery disease.",
        LOCAL_QUESTION,
        "prior-cardiovascular-disease",
        YES_NO,
        max_age_days=TWO_YEARS,
        is_yes_lasting=True,
    ),
    Question(
        "prior_stroke_or_tia",
        "Previous stroke or TIA",
        "Any stroke or transient ischaemic attack, at any time.",
        LOCAL_QUESTION,
        "prior-stroke-or-tia",
        YES_NO,
        max_age_days=TWO_YEARS,
        is_yes_lasting=True,
    ),
    Question(
        "atrial_fibrillation",
        "Atrial fibrillation",
        "Ever documented, paroxysmal included.",
        LOCAL_QUESTION,
        "atrial-fibrillation",
        YES_NO,
        max_age_days=TWO_YEARS,
        is_yes_lasting=True,
    ),
    Question(
        "pregnancy",
        "Pregnant, or gave birth in the last 3 months",
        "Asked for women aged 18 to 50.",
        LOCAL_QUESTION,
        "pregnancy",
        YES_NO,
        max_age_days=90,
    ),
    Question(
        "diabetes", "Diabetes", "Type 1 or type 2, treated or not.", LOCAL_QUESTION, "diabetes", YES_NO, TWO_YEARS, True
    ),
    Question(
        "smoking",
        "Smoking",
        "Any cigarettes in the last month is current.",
        LOINC,
        "72166-2",
        {"current": "Current smoker", "former": "Former smoker", "never": "Never smoked"},
        max_age_days=TWO_YEARS,
    ),
    Question(
        "antihypertensive_treatment",
        "Takes blood-pressure medication",
        "",
        LOCAL_QUESTION,
        "antihypertensive-treatment",
        YES_NO,
        max_age_days=TWO_YEARS,
    ),
    Question("statin_treatment", "Takes a statin", "", LOCAL_QUESTION, "statin-treatment", YES_NO, TWO_YEARS),
    Question(
        "lipid_lowering_treatment",
        "Takes any lipid-lowering drug",
        "Statins included.",
        LOCAL_QUESTION,
        "lipid-lowering-treatment",
        YES_NO,
        max_age_days=TWO_YEARS,
    ),
    Question(
        "family_history_heart_attack",
        "Heart attack in a parent, brother, sister or child",
        "At any age.",
        LOCAL_QUESTION,
        "family-history-heart-attack",
        YES_NO,
    ),
    Question(
        "mesa_race_ethnicity",
        "Group as MESA defined it",
        "As stated by the patient. MESA studied these four groups; leave empty when none fits.",
        LOCAL_QUESTION,
        "mesa-race-ethnicity",
        {"white": "White", "chinese": "Chinese", "black": "Black", "hispanic": "Hispanic"},
    ),
)
QUESTION_OF_CODE = {(question.code_system, question.code): question for question in QUESTIONS}
QUESTION_OF_FEATURE = {question.feature: question for question in QUESTIONS}

# LOINC answer codes of 72166-2 that hospitals send (SNOMED CT), read as our three answers; the rest is not understood.
SMOKING_ANSWERS = {
    "449868002": "current",
    "428041000124106": "current",
    "428071000124103": "current",
    "428061000124105": "current",
    "77176002": "current",
    "8517006": "former",
    "266919005": "never",
}

# SNOMED CT codes on the problem list that answer a question with "yes" by themselves. Common ones only: a site compares
# them with its own value sets before use. A code that is not listed answers nothing, which the API says of it.
CONDITION_ANSWERS: Mapping[str, tuple[str, str]] = {
    "22298006": ("prior_cardiovascular_disease", "myocardial infarction"),
    "57054005": ("prior_cardiovascular_disease", "acute myocardial infarction"),
    "401303003": ("prior_cardiovascular_disease", "ST-elevation myocardial infarction"),
    "401314000": ("prior_cardiovascular_disease", "non-ST-elevation myocardial infarction"),
    "1755008": ("prior_cardiovascular_disease", "old myocardial infarction"),
    "399211009": ("prior_cardiovascular_disease", "history of myocardial infarction"),
    "394659003": ("prior_cardiovascular_disease", "acute coronary syndrome"),
    "194828000": ("prior_cardiovascular_disease", "angina"),
    "53741008": ("prior_cardiovascular_disease", "coronary artery disease"),
    "414545008": ("prior_cardiovascular_disease", "ischaemic heart disease"),
    "443502000": ("prior_cardiovascular_disease", "coronary atherosclerosis"),
    "399261000": ("prior_cardiovascular_disease", "history of coronary bypass"),
    "84114007": ("prior_cardiovascular_disease", "heart failure"),
    "42343007": ("prior_cardiovascular_disease", "congestive heart failure"),
    "85232009": ("prior_cardiovascular_disease", "left heart failure"),
    "703272007": ("prior_cardiovascular_disease", "heart failure with reduced ejection fraction"),
    "446221000": ("prior_cardiovascular_disease", "heart failure with preserved ejection fraction"),
    "399957001": ("prior_cardiovascular_disease", "peripheral artery disease"),
    "400047006": ("prior_cardiovascular_disease", "peripheral vascular disease"),
    "230690007": ("prior_stroke_or_tia", "stroke"),
    "422504002": ("prior_stroke_or_tia", "ischaemic stroke"),
    "432504007": ("prior_stroke_or_tia", "cerebral infarction"),
    "230706003": ("prior_stroke_or_tia", "haemorrhagic stroke"),
    "274100004": ("prior_stroke_or_tia", "cerebral haemorrhage"),
    "21454007": ("prior_stroke_or_tia", "subarachnoid haemorrhage"),
    "275526006": ("prior_stroke_or_tia", "history of stroke"),
    "266257000": ("prior_stroke_or_tia", "transient ischaemic attack"),
    "49436004": ("atrial_fibrillation", "atrial fibrillation"),
    "282825002": ("atrial_fibrillation", "paroxysmal atrial fibrillation"),
    "440059007": ("atrial_fibrillation", "persistent atrial fibrillation"),
    "426749004": ("atrial_fibrillation", "chronic atrial fibrillation"),
    "440028005": ("atrial_fibrillation", "permanent atrial fibrillation"),
    "77386006": ("pregnancy", "pregnancy"),
    "72892002": ("pregnancy", "normal pregnancy"),
    "44054006": ("diabetes", "type 2 diabetes"),
    "46635009": ("diabetes", "type 1 diabetes"),
    "73211009": ("diabetes", "diabetes"),
}
CONDITION_TITLES: Mapping[str, str] = {
    **{code: words[0].upper() + words[1:] for code, (_, words) in CONDITION_ANSWERS.items()},
    "38341003": "Hypertension",
}
# ATC groups of current medication that answer a question with "yes". C02K (pulmonary hypertension, among others) is not
# a treatment of systemic hypertension; C10BA10 is a combination without a statin.
_ANTIHYPERTENSIVES = ("C02A", "C02B", "C02C", "C02D", "C02L", "C03", "C07", "C08", "C09")
_STATIN_COMBINATIONS = ("C10BA", "C10BX")
_WITHOUT_STATIN = ("C10BA10",)
_STATIN_WITH_ANTIHYPERTENSIVE = (
    *("C10BX03", "C10BX04", "C10BX06", "C10BX07", "C10BX09", "C10BX10"),
    *("C10BX11", "C10BX12", "C10BX13", "C10BX14", "C10BX15"),
)


def medication_answers(atc: str) -> tuple[str, ...]:
    """The questions that taking this drug answers with yes.

    >>> medication_answers("C10BX03")
    ('statin_treatment', 'lipid_lowering_treatment', 'antihypertensive_treatment')
    """
    answers: list[str] = []
    if atc.startswith(("C10AA", *_STATIN_COMBINATIONS)) and not atc.startswith(_WITHOUT_STATIN):
        answers.append("statin_treatment")
    if atc.startswith("C10"):
        answers.append("lipid_lowering_treatment")
    if atc.startswith((*_ANTIHYPERTENSIVES, *_STATIN_WITH_ANTIHYPERTENSIVE)):
        answers.append("antihypertensive_treatment")
    return tuple(answers)


def quantity_canonical(*, quantity: Quantity, value: Decimal, unit: str) -> Decimal:
    """The value in the feature's canonical unit; refused, never guessed, when unit or value cannot be right.

    >>> quantity_canonical(quantity=QUANTITY_OF_LOINC["2093-3"], value=Decimal(200), unit="mg/dL")
    Decimal('5.17200')
    """
    factor = quantity.factors.get(unit)
    if factor is None:
        known = ", ".join(quantity.factors)
        sentence = f"{quantity.title} is not understood in {unit or 'no unit'!r}; the units understood are {known}."
        raise UnknownUnitError(sentence, field="unit")
    canonical = value * factor
    least, most = quantity.plausible
    if not least <= canonical <= most:
        raise ImplausibleValueError(_implausible_sentence(quantity, value, unit), field="value")
    return canonical


def _implausible_sentence(quantity: Quantity, value: Decimal, unit: str) -> str:
    least, most = quantity.plausible
    factor = quantity.factors[unit]
    sentence = (
        f"{quantity.title} {value.normalize():f} {unit} cannot be right: "
        f"{(least / factor):.3g} to {(most / factor):.3g} {unit} is plausible."
    )
    likely = [other for other, f in quantity.factors.items() if other != unit and least <= value * f <= most]
    return sentence + (f" It would be plausible in {likely[0]}; nothing was converted." if likely else "")
