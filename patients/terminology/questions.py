"""What only a person can state, whom a page asks it, and what is entered there as a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from patients.terminology.quantities import QUANTITY_OF_FEATURE, TWO_YEARS, Quantity
from patients.terminology.systems import LOCAL_QUESTION, LOINC


class QuestionGroup(StrEnum):
    HISTORY = "history"
    MEDICATION = "medication"
    LIFESTYLE = "lifestyle"
    STROKE = "stroke"
    DEMENTIA = "dementia"
    FAMILY = "family"

    @property
    def words(self) -> str:
        return {
            "history": "History",
            "medication": "Medication",
            "lifestyle": "Way of life",
            "stroke": "Stroke and atrial fibrillation",
            "dementia": "Memory and cognition",
            "family": "Family and origin",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a page asks. An age, sex or region not recorded rules nobody out; an answer it depends on must be there."""

    ages: tuple[int, int] | None = None
    sexes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()  # of the hospital
    when: tuple[str, tuple[str, ...]] | None = None  # a feature, and the answers under which this is asked

    def is_for(self, *, age_years: int | None, sex: str, answers: Mapping[str, str], region: str = "") -> bool:
        """`answers` are those on record, of the problem and medication lists as well: feature -> value.

        >>> Asked(ages=(18, 50), sexes=("female",)).is_for(age_years=None, sex="unknown", answers={})
        True
        >>> Asked(when=("atrial_fibrillation", ("yes",))).is_for(age_years=70, sex="male", answers={})
        False
        """
        if self.ages is not None and age_years is not None and not self.ages[0] <= age_years <= self.ages[1]:
            return False
        if self.sexes and sex in {"female", "male"} and sex not in self.sexes:
            return False
        if self.regions and region and region not in self.regions:
            return False
        return self.when is None or answers.get(self.when[0]) in self.when[1]


EVERYBODY = Asked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something only a person can state. "Not recorded" is not "no"."""

    feature: str
    title: str
    group: QuestionGroup
    code: str
    help: str = ""
    code_system: str = LOCAL_QUESTION
    answers: Mapping[str, str]  # value_code -> words
    max_age_days: int | None = None  # older than this it has to be asked again; None: it does not change
    is_yes_lasting: bool = False  # a disease once had stays had
    ends_when_resolved: bool = False  # a resolved entry of the problem list no longer answers yes
    asked: Asked = EVERYBODY
    on_page: bool = True  # False: from the problem list and the API alone
    is_genetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredQuantity:
    """A number that hospitals seldom send; a page offers a field for it, in the quantity's canonical unit."""

    quantity: Quantity
    group: QuestionGroup
    help: str
    asked: Asked = EVERYBODY

    @property
    def code_system(self) -> str:
        return self.quantity.codes[0][0]

    @property
    def code(self) -> str:
        return self.quantity.codes[0][1]


YES_NO = {"yes": "Yes", "no": "No"}
HISTORY, MEDICATION, LIFESTYLE = QuestionGroup.HISTORY, QuestionGroup.MEDICATION, QuestionGroup.LIFESTYLE
STROKE, DEMENTIA, FAMILY = QuestionGroup.STROKE, QuestionGroup.DEMENTIA, QuestionGroup.FAMILY
_IN_FIBRILLATION = Asked(when=("atrial_fibrillation", ("yes",)))
_AFTER_STROKE_OR_TIA = Asked(when=("prior_stroke_or_tia", ("yes",)))
_AFTER_RECENT_TIA = Asked(when=("tia_within_7_days", ("yes",)))
# Those of the equations that ask; a test compares them.
CAIDE_AGES, BDSI_AGES, FSRP_1991_AGES, PREVENT_AGES = (39, 64), (65, 79), (55, 86), (30, 79)
DEMENTIA_AGES = (CAIDE_AGES[0], BDSI_AGES[1])


def _disease(
    feature: str,
    title: str,
    help: str = "",
    *,
    group: QuestionGroup = HISTORY,
    asked: Asked = EVERYBODY,
    on_page: bool = True,
    ends_when_resolved: bool = False,
) -> Question:
    """A disease: yes is lasting, no has to be asked again after two years."""
    return Question(
        feature=feature,
        title=title,
        help=help,
        group=group,
        code=feature.replace("_", "-"),
        answers=YES_NO,
        max_age_days=TWO_YEARS,
        is_yes_lasting=True,
        ends_when_resolved=ends_when_resolved,
        asked=asked,
        on_page=on_page,
    )


def _changing(
    feature: str,
    title: str,
    help: str = "",
    *,
    group: QuestionGroup,
    asked: Asked = EVERYBODY,
    on_page: bool = True,
    max_age_days: int | None = TWO_YEARS,
    answers: Mapping[str, str] = YES_NO,
) -> Question:
    """Something that may be otherwise next time."""
    return Question(
        feature=feature,
        title=title,
        help=help,
        group=group,
        code=feature.replace("_", "-"),
        answers=answers,
        max_age_days=max_age_days,
        ends_when_resolved=True,
        asked=asked,
        on_page=on_page,
    )


QUESTIONS = (
    _disease(
        "prior_cardiovascular_disease",
        "Known cardiovascular disease",
        "Heart attack, angina, revascularisation, heart failure or symptomatic peripheral artery disease.",
    ),
    _disease(
        "prior_stroke_or_tia",
        "Previous stroke or TIA",
        "Any stroke or transient ischaemic attack, at any time.",
        group=STROKE,
    ),
    _disease("prior_stroke", "Previous stroke", "At any time.", group=STROKE, asked=_AFTER_STROKE_OR_TIA),
    _disease("prior_tia", "Previous TIA", "At any time.", group=STROKE, asked=_AFTER_STROKE_OR_TIA),
    _changing(
        "tia_within_7_days",
        "TIA in the last 7 days",
        group=STROKE,
        asked=_AFTER_STROKE_OR_TIA,
        max_age_days=7,
    ),
    _changing(
        "tia_clinical_features",
        "Symptoms of this TIA",
        "One-sided weakness counts before a disturbance of speech.",
        group=STROKE,
        asked=_AFTER_RECENT_TIA,
        max_age_days=14,
        answers={"weakness": "One-sided weakness", "speech": "Speech disturbance, no weakness", "neither": "Neither"},
    ),
    _disease("atrial_fibrillation", "Atrial fibrillation", "Ever documented, paroxysmal included.", group=STROKE),
    _disease(
        "valvular_atrial_fibrillation",
        "Mechanical heart valve, or moderate to severe mitral stenosis",
        group=STROKE,
        asked=_IN_FIBRILLATION,
    ),
    _disease(
        "heart_failure",
        "Heart failure",
        "Symptoms, or an ejection fraction of 40 % or less.",
        asked=_IN_FIBRILLATION,
    ),
    _disease(
        "vascular_disease",
        "Vascular disease, coronary included",
        "Coronary disease (heart attack, angina, bypass or stent, or significant on imaging), peripheral artery "
        "disease or aortic plaque.",
        asked=_IN_FIBRILLATION,
    ),
    _disease("coronary_heart_disease", "Coronary heart disease", on_page=False),
    _disease("hypertension", "Hypertension", "Diagnosed, treated or not.", asked=_IN_FIBRILLATION),
    _disease(
        "left_ventricular_hypertrophy",
        "Left ventricular hypertrophy on the ECG",
        asked=Asked(ages=FSRP_1991_AGES),
    ),
    _changing(
        "acute_coronary_syndrome_recent",
        "Heart attack or unstable angina in the last 8 weeks",
        group=HISTORY,
        on_page=False,
        max_age_days=56,
    ),
    _changing(
        "pregnancy",
        "Pregnant, or gave birth in the last 3 months",
        "Asked for women aged 18 to 50.",
        group=HISTORY,
        asked=Asked(ages=(18, 50), sexes=("female",)),
        max_age_days=90,
    ),
    _disease("diabetes", "Diabetes", "Type 1 or type 2, treated or not.", ends_when_resolved=True),
    _disease("type_1_diabetes", "Type 1 diabetes", on_page=False),
    _disease("familial_hypercholesterolaemia", "Familial hypercholesterolaemia", on_page=False),
    _changing("dialysis", "On dialysis", group=HISTORY, on_page=False),
    _changing(
        "palliative_care", "Palliative care or a documented limited life expectancy", group=HISTORY, on_page=False
    ),
    Question(
        feature="smoking",
        title="Smoking",
        help="Any cigarettes in the last month is current.",
        group=LIFESTYLE,
        code_system=LOINC,
        code="72166-2",
        answers={"current": "Current smoker", "former": "Former smoker", "never": "Never smoked"},
        max_age_days=TWO_YEARS,
    ),
    _changing(
        "physical_activity",
        "Physically active",
        "At least twice a week, 20 to 30 minutes, enough to sweat.",
        group=LIFESTYLE,
        asked=Asked(ages=CAIDE_AGES),
    ),
    _changing("antihypertensive_treatment", "Takes blood-pressure medication", group=MEDICATION),
    _changing("statin_treatment", "Takes a statin", group=MEDICATION),
    _changing("lipid_lowering_treatment", "Takes any lipid-lowering drug", "Statins included.", group=MEDICATION),
    _changing(
        "anticoagulant_treatment",
        "Takes an anticoagulant",
        "Warfarin or another vitamin K antagonist, dabigatran, or a factor Xa inhibitor.",
        group=MEDICATION,
        asked=_IN_FIBRILLATION,
    ),
    _disease(
        "cognitive_disorder",
        "Dementia or mild cognitive impairment",
        "Diagnosed.",
        group=DEMENTIA,
        asked=Asked(ages=DEMENTIA_AGES),
    ),
    _changing(
        "depressive_symptoms",
        "Depressive symptoms",
        "Now, or treated for depression.",
        group=DEMENTIA,
        asked=Asked(ages=BDSI_AGES),
    ),
    _changing(
        "needs_help_money_medication",
        "Needs help with money or medication",
        group=DEMENTIA,
        asked=Asked(ages=BDSI_AGES),
    ),
    Question(
        feature="apoe_e4",
        title="Carries APOE e4",
        help="From a clinical test; never inferred.",
        group=DEMENTIA,
        code="apoe-e4",
        answers=YES_NO,
        asked=Asked(ages=CAIDE_AGES),
        is_genetic=True,
    ),
    _changing("high_cognitive_activity", "High cognitive activity", group=DEMENTIA, on_page=False),
    _changing("mediterranean_diet", "Mediterranean diet", group=DEMENTIA, on_page=False),
    _changing("low_to_moderate_alcohol", "Low to moderate alcohol", group=DEMENTIA, on_page=False),
    _changing(
        "family_history_heart_attack",
        "Heart attack in a parent, brother, sister or child",
        "At any age.",
        group=FAMILY,
        max_age_days=None,
    ),
    _changing(
        "mesa_race_ethnicity",
        "Group as MESA defined it",
        "As stated by the patient. MESA studied these four groups; leave empty when none fits.",
        group=FAMILY,
        max_age_days=None,
        answers={"white": "White", "chinese": "Chinese", "black": "Black", "hispanic": "Hispanic"},
    ),
)
QUESTION_OF_CODE = {(question.code_system, question.code): question for question in QUESTIONS}
QUESTION_OF_FEATURE = {question.feature: question for question in QUESTIONS}

ENTERED_QUANTITIES = (
    EnteredQuantity(
        quantity=QUANTITY_OF_FEATURE["education_years"],
        group=DEMENTIA,
        help="Years of school and further education completed.",
        asked=Asked(ages=DEMENTIA_AGES),
    ),
    EnteredQuantity(
        quantity=QUANTITY_OF_FEATURE["sdi_decile"],
        group=FAMILY,
        help="Of the ZIP code: 1 is the least deprived, 10 the most. United States only.",
        asked=Asked(ages=PREVENT_AGES, regions=("US",)),
    ),
    EnteredQuantity(
        quantity=QUANTITY_OF_FEATURE["tia_duration_minutes"],
        group=STROKE,
        help="How long the symptoms of this TIA lasted.",
        asked=_AFTER_RECENT_TIA,
    ),
)
ENTERED_QUANTITY_OF_FEATURE = {entered.quantity.feature: entered for entered in ENTERED_QUANTITIES}

# Answers to 72166-2 that hospitals send (SNOMED CT, or LOINC's own answer codes), read as our three; the rest is not
# understood.
SMOKING_ANSWERS = {
    "449868002": "current",
    "428041000124106": "current",
    "428071000124103": "current",
    "428061000124105": "current",
    "77176002": "current",
    "LA18976-3": "current",
    "LA18977-1": "current",
    "LA18981-3": "current",
    "LA18982-1": "current",
    "8517006": "former",
    "LA15920-4": "former",
    "266919005": "never",
    "LA18978-9": "never",
}
