"""SNOMED CT codes on the problem list that answer questions with "yes" by themselves.

Common ones only: a site compares them with its own value sets before use. A code that is not listed answers nothing,
which the API says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodedCondition:
    """One diagnosis. `answers_if_recent` counts only with an onset date that many days or fewer before the moment."""

    code: str
    words: str
    answers: tuple[str, ...]
    answers_if_recent: Mapping[str, int]


_CVD, _CHD, _VASCULAR = "prior_cardiovascular_disease", "coronary_heart_disease", "vascular_disease"
_STROKE, _TIA, _EITHER = "prior_stroke", "prior_tia", "prior_stroke_or_tia"
_AF, _VALVULAR = "atrial_fibrillation", "valvular_atrial_fibrillation"
_DIABETES, _COGNITIVE, _PALLIATIVE = "diabetes", "cognitive_disorder", "palliative_care"
_WITHIN_8_WEEKS = {"acute_coronary_syndrome_recent": 55}
_WITHIN_7_DAYS = {"tia_within_7_days": 7}
_NEVER: Mapping[str, int] = {}

# Coronary disease is vascular disease, as CHA2DS2-VA counts it since the ESC guideline of 2024.
_GROUPS: tuple[tuple[tuple[str, ...], Mapping[str, int], Mapping[str, str]], ...] = (
    (
        (_CVD, _CHD, _VASCULAR),
        _WITHIN_8_WEEKS,
        {
            "22298006": "myocardial infarction",
            "57054005": "acute myocardial infarction",
            "401303003": "ST-elevation myocardial infarction",
            "401314000": "non-ST-elevation myocardial infarction",
            "394659003": "acute coronary syndrome",
            "4557003": "unstable angina",
        },
    ),
    (
        (_CVD, _CHD, _VASCULAR),
        _NEVER,
        {
            "1755008": "old myocardial infarction",
            "399211009": "history of myocardial infarction",
            "194828000": "angina",
            "233819005": "stable angina",
            "53741008": "coronary artery disease",
            "414545008": "ischaemic heart disease",
            "443502000": "coronary atherosclerosis",
            "399261000": "history of coronary bypass",
        },
    ),
    (
        (_CVD, "heart_failure"),
        _NEVER,
        {
            "84114007": "heart failure",
            "42343007": "congestive heart failure",
            "88805009": "chronic congestive heart failure",
            "48447003": "chronic heart failure",
            "56675007": "acute heart failure",
            "85232009": "left heart failure",
            "367363000": "right heart failure",
            "703272007": "heart failure with reduced ejection fraction",
            "788950000": "heart failure with mid-range ejection fraction",
            "446221000": "heart failure with preserved ejection fraction",
        },
    ),
    (
        (_CVD, _VASCULAR),
        _NEVER,
        {
            "399957001": "peripheral artery disease",
            "400047006": "peripheral vascular disease",
            "63491006": "intermittent claudication",
        },
    ),
    ((_VASCULAR,), _NEVER, {"81817003": "aortic atherosclerosis"}),
    (
        (_STROKE, _EITHER),
        _NEVER,
        {
            "230690007": "stroke",
            "422504002": "ischaemic stroke",
            "432504007": "cerebral infarction",
            "371040005": "thrombotic stroke",
            "371041009": "embolic stroke",
            "230706003": "haemorrhagic stroke",
            "274100004": "cerebral haemorrhage",
            "21454007": "subarachnoid haemorrhage",
            "275526006": "history of stroke",
        },
    ),
    ((_TIA, _EITHER), _WITHIN_7_DAYS, {"266257000": "transient ischaemic attack"}),
    ((_TIA, _EITHER), _NEVER, {"161511000": "history of transient ischaemic attack"}),
    (
        (_AF,),
        _NEVER,
        {
            "49436004": "atrial fibrillation",
            "282825002": "paroxysmal atrial fibrillation",
            "440059007": "persistent atrial fibrillation",
            "706923002": "atrial fibrillation",
            "426749004": "chronic atrial fibrillation",
            "440028005": "permanent atrial fibrillation",
        },
    ),
    # Severity not stated: read as the valve disease that the scores for atrial fibrillation exclude, so that a score
    # is withheld rather than given to somebody it is not for.
    (
        (_VALVULAR,),
        _NEVER,
        {
            "79619009": "mitral stenosis",
            "838450006": "severe mitral stenosis",
        },
    ),
    (("pregnancy",), _NEVER, {"77386006": "pregnancy", "72892002": "normal pregnancy"}),
    ((_DIABETES,), _NEVER, {"44054006": "type 2 diabetes", "73211009": "diabetes"}),
    ((_DIABETES, "type_1_diabetes"), _NEVER, {"46635009": "type 1 diabetes"}),
    (("hypertension",), _NEVER, {"38341003": "hypertension", "59621000": "essential hypertension"}),
    (
        ("familial_hypercholesterolaemia",),
        _NEVER,
        {"398036000": "familial hypercholesterolaemia"},
    ),
    (
        ("dialysis",),
        _NEVER,
        {"105502003": "dependence on dialysis", "265764009": "dialysis", "302497006": "haemodialysis"},
    ),
    (
        (_COGNITIVE,),
        _NEVER,
        {
            "52448006": "dementia",
            "26929004": "Alzheimer's disease",
            "429998004": "vascular dementia",
            "312991009": "dementia with Lewy bodies",
            "230270009": "frontotemporal dementia",
            "386805003": "mild cognitive impairment",
        },
    ),
    (
        (_PALLIATIVE,),
        _NEVER,
        {"103735009": "palliative care", "385763009": "hospice care", "300936002": "terminal illness"},
    ),
)
CONDITIONS: Mapping[str, CodedCondition] = {
    code: CodedCondition(code, words, answers, recent)
    for answers, recent, codes in _GROUPS
    for code, words in codes.items()
}
