"""The protocol gate: is this CT one on which an Agatston score is defined at all?

Tags are judged first. Only when they pass are the voxels: a contrast agent that nobody recorded, noise, metal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from ml.measurements import ct_words
from ml.measurements.ct_tissue import DENSE_HU, MIN_DENSE_ML, TissueEstimate
from ml.preprocessing.dicom import Instance, instance_has, instance_has_items, instance_number, instance_text
from ml.preprocessing.geometry import Geometry
from ml.preprocessing.header import header_items, header_number, header_text
from ml.types import MeasurementRefusal, QualityFinding

NAME = "agatston_score"

KVP_RANGE = (119.5, 120.5)
SLICE_MM_RANGE = (2.49, 3.01)
CONTIGUOUS_TOLERANCE = 0.02  # of the thickness
MIN_COVERAGE_MM = 100.0  # a heart is about 120 mm tall
# McCollough CH et al., Radiology 2007;243:527-538: noise target 20 HU, 23 HU for large patients.
MAX_NOISE_HU = 23.0
MAX_METAL_MM3 = 50.0
MAX_NAMED = 4  # values of a mixed series that its sentence names
BODY_PARTS = ("HEART", "CHEST", "THORAX", "CARDIAC", "CORONARY")
BODY_PART_WORDS = re.compile(rf"calcium|{ct_words.CALCIUM_SCORE}|heart|cardiac|coronar|chest|thorax", re.IGNORECASE)
GATED_TECHNIQUES = ("PROSPECTIVE", "RETROSPECTIVE", "PACED")
UNGATED_TECHNIQUES = ("NONE", "REALTIME")  # PS3.3 C.7.6.18.1: in real time no gating is applied either
PHASE = "NominalPercentageOfCardiacPhase"  # a binary number, and 0 % is a phase
ORIGINAL = ("ORIGINAL", "PRIMARY")
# Kernels of calcium scoring by maker; what is not listed is not known to be soft and is refused.
SOFT_KERNELS = re.compile(
    r"(?:[BHIJQS][a-z]?(?:2\d|3\d|4[0-3])[a-z]*"  # Siemens B30f, B35f, Br36d, Qr36d, Sa36f ...
    r"|STANDARD|SOFT"  # GE
    r"|X?C?[AB]"  # Philips A, B, XCA, XCB
    r"|FC(?:0\d|1[0-8]))",  # Canon FC01 to FC18
)


Texts = Callable[[str], str]  # keyword to what it says, in one header or one slice


@dataclass(frozen=True, slots=True)
class CalciumProtocol:
    """What the header and the geometry say about the acquisition; "" and None are not recorded.

    `mixed` holds (reason code, sentence) for each rule whose value is not the same in every slice.
    """

    contrast_agent: str
    kvp: float | None
    slice_thickness_mm: float | None
    slice_step_mm: float
    coverage_mm: float
    is_axial: bool
    kernel: str
    body_part: str
    description: str
    gating: str
    is_lossy: bool
    mixed: tuple[tuple[str, str], ...] = ()
    image_type: tuple[str, ...] = ORIGINAL
    rendering: str = ""  # the words that say that the images are computed from others


def calcium_protocol(header: Dataset, geometry: Geometry, instances: Sequence[Instance]) -> CalciumProtocol:
    """Collect what the gate judges from one header, the geometry, and what each slice says for itself.

    Parameters
    ----------
    header : Dataset
        Of any one slice, from `header_read`.
    geometry : Geometry
        Of the series.
    instances : sequence of Instance
        Every slice, in any order.

    Returns
    -------
    CalciumProtocol

    Examples
    --------
    >>> header = Dataset()
    >>> header.KVP, header.SliceThickness, header.ConvolutionKernel = 120, 3, "Qr36d"
    >>> grid = Geometry((44, 512, 512), (3.0, 0.4, 0.4), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> from types import SimpleNamespace
    >>> said = {"image_type": ("ORIGINAL", "PRIMARY"), "slice_thickness_mm": 3.0, "is_lossy": False}
    >>> one = SimpleNamespace(**said, part10=SimpleNamespace(values={}))
    >>> protocol = calcium_protocol(header, grid, [one])
    >>> protocol.kvp, protocol.kernel, protocol.coverage_mm, protocol.gating
    (120.0, 'Qr36d', 132.0, '')
    """
    text_of: Texts = lambda keyword: header_text(header, keyword)  # noqa: E731
    step_mm = geometry.spacing_zyx_mm[0]
    return CalciumProtocol(
        contrast_agent=_contrast_agent(text_of, _agents_coded(header)),
        kvp=header_number(header, "KVP"),
        slice_thickness_mm=header_number(header, "SliceThickness"),
        slice_step_mm=step_mm,
        coverage_mm=step_mm * geometry.shape_zyx[0],
        is_axial=abs(geometry.normal[2]) > 0.95,
        kernel=_kernel_name(header_text(header, "ConvolutionKernel")),
        body_part=header_text(header, "BodyPartExamined").upper(),
        description=_description(text_of),
        gating=_gating(text_of, has_phase=header_text(header, PHASE) != ""),
        is_lossy=any(instance.is_lossy for instance in instances),
        mixed=_mixed(instances),
        image_type=instances[0].image_type,
        rendering=ct_words.rendered_words(" ".join((*instances[0].image_type[2:], *_series_words(text_of)))),
    )


def _mixed(instances: Sequence[Instance]) -> tuple[tuple[str, str], ...]:
    judged = (
        ("CONTRAST_PRESENT", "contrast agents", _slice_contrast),
        ("KVP", "tube voltages", lambda one: _number_words(instance_number(one, "KVP"), "kV")),
        ("SLICE", "slice thicknesses", lambda one: _number_words(one.slice_thickness_mm, "mm")),
        ("KERNEL", "kernels", lambda one: _kernel_name(instance_text(one, "ConvolutionKernel")) or "not recorded"),
        ("BODY_PART", "body parts", lambda one: instance_text(one, "BodyPartExamined").upper() or "not recorded"),
        ("UNGATED", "gating", _slice_gating),
        ("LOSSY", "compressions", lambda one: "with loss" if one.is_lossy else "without loss"),
        ("IMAGE_TYPE", "image types", _slice_image_type),
    )
    found = []
    for reason_code, noun, words_of in judged:
        slices = Counter(map(words_of, instances))
        if len(slices) > 1:
            named = [f"{words} in {count}" for words, count in sorted(slices.items())[:MAX_NAMED]]
            more = ["..."] if len(slices) > MAX_NAMED else []
            sentence = f"the series mixes {noun} ({', '.join(named + more)} of {len(instances)} slices)"
            found.append((reason_code, sentence))
    return tuple(found)


def _number_words(number: float | None, unit: str) -> str:
    return "not recorded" if number is None else f"{number:g} {unit}"


def _text_of(instance: Instance) -> Texts:
    return lambda keyword: instance_text(instance, keyword)


def _slice_contrast(instance: Instance) -> str:
    """Yes or no: the agent itself may be in any character set, and differing words for none are none."""
    agents = ["?"] if instance_has_items(instance, "ContrastBolusAgentSequence") else []
    return "recorded" if _contrast_agent(_text_of(instance), agents) else "none"


def _slice_gating(instance: Instance) -> str:
    text_of = _text_of(instance)
    gating = _gating(text_of, has_phase=instance_has(instance, PHASE))
    return "not gated" if _ungated_reason(gating, _description(text_of)) else "gated"


def _slice_image_type(instance: Instance) -> str:
    return "\\".join(instance.image_type[:2]) or "not recorded"


def _kernel_name(text: str) -> str:
    return text.split("\\")[0].strip()


def _series_words(text_of: Texts) -> tuple[str, str]:
    return text_of("SeriesDescription"), text_of("ProtocolName")


def _description(text_of: Texts) -> str:
    return ", ".join(text for text in (*_series_words(text_of), text_of("StudyDescription")) if text)


def _agents_coded(header: Dataset) -> list[str]:
    items = header_items(header, "ContrastBolusAgentSequence")
    return [header_text(item, "CodeMeaning") or header_text(item, "CodeValue") or "not named" for item in items]


def _contrast_agent(text_of: Texts, agents_coded: Sequence[str]) -> str:
    """The first thing that says that contrast agent was given, in the words it says it with; "" where nothing does."""
    agent = text_of("ContrastBolusAgent")
    named = [one for one in (agent, *agents_coded) if not ct_words.is_none(one)]
    if named:
        return named[0]
    for keyword in ("ContrastBolusVolume", "ContrastBolusTotalDose"):
        amount = text_of(keyword)
        if not ct_words.is_none(amount):
            return f"{amount} mL"
    for keyword in ("ContrastBolusRoute", "ContrastBolusStartTime", "ContrastBolusStopTime"):
        text = text_of(keyword)
        if not ct_words.is_none(text):
            return f"{keyword} {text}"
    series, study = ", ".join(_series_words(text_of)), text_of("StudyDescription")
    if words := ct_words.contrast_words(series):
        return f'"{words}" in the description of the series'
    # A study may hold an angiography beside this series: what this series says of itself comes first.
    is_denied = agent or ct_words.no_contrast_words(series)
    words = "" if is_denied else ct_words.contrast_words(study)
    return f'"{words}" in the description of the study' if words else ""


def _gating(text_of: Texts, *, has_phase: bool) -> str:
    """What the attributes say of gating, as they say it: a technique, what there is only with an ECG, or options."""
    technique, options = text_of("CardiacSynchronizationTechnique"), text_of("ScanOptions").replace("\\", ", ")
    if technique in UNGATED_TECHNIQUES or (not ct_words.ungated_words(options) and technique in GATED_TECHNIQUES):
        return technique
    if ct_words.ungated_words(options):
        return options
    for keyword in ("HeartRate", "TriggerTime"):
        if _is_positive(text_of(keyword)):
            return keyword
    if has_phase:
        return PHASE
    return options if ct_words.gated_words(options) else ""


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def protocol_refusals(protocol: CalciumProtocol) -> tuple[MeasurementRefusal, ...]:
    """One refusal for each rule of the protocol that the acquisition breaks; none when it may be scored.

    Parameters
    ----------
    protocol : CalciumProtocol
        From `calcium_protocol`; kV and mm.

    Returns
    -------
    tuple of MeasurementRefusal
        CONTRAST_PRESENT, KVP, SLICE, KERNEL, BODY_PART, UNGATED, FIELD_OF_VIEW, LOSSY or IMAGE_TYPE.

    Examples
    --------
    >>> good = CalciumProtocol("", 120, 3, 3, 132, True, "Qr36", "HEART", "", "PROSPECTIVE", False)
    >>> protocol_refusals(good)
    ()
    """
    mixed = dict(protocol.mixed)
    return tuple(
        refusal(reason_code, sentence)
        for reason_code, judge in _RULES
        if (sentence := mixed.get(reason_code) or judge(protocol)) is not None
    )


def tissue_refusals(tissue: TissueEstimate) -> tuple[MeasurementRefusal, ...]:
    """The same for what is seen in the voxels.

    Parameters
    ----------
    tissue : TissueEstimate
        From `tissue_estimate`; HU, mL and mm3.

    Returns
    -------
    tuple of MeasurementRefusal
        CONTRAST_PRESENT, CONTRAST_UNKNOWN, NOISE or METAL.

    References
    ----------
    McCollough CH et al. Radiology 2007;243:527-538: the noise limit, 23 HU.

    Examples
    --------
    >>> [one.sentence for one in tissue_refusals(TissueEstimate(31.0, 45.0, 0.0, None, 0.0))]
    ['Calcium not scored: noise is 31 HU; the limit is 23 HU.']
    """
    refusals = []
    if tissue.noise_sd_hu is None:
        refusals.append(refusal("CONTRAST_UNKNOWN", "no soft tissue was found to judge contrast and noise by"))
        return tuple(refusals)
    if tissue.is_enhanced:
        sentence = f"{tissue.enhanced_ml:.0f} mL of even tissue at {tissue.enhanced_hu:.0f} HU means contrast agent"
        refusals.append(refusal("CONTRAST_PRESENT", sentence))
    if tissue.noise_sd_hu > MAX_NOISE_HU:
        sentence = f"noise is {tissue.noise_sd_hu:.0f} HU; the limit is {MAX_NOISE_HU:.0f} HU"
        refusals.append(refusal("NOISE", sentence))
    if tissue.metal_mm3 > MAX_METAL_MM3:
        sentence = f"{tissue.metal_mm3:.0f} mm3 of metal: a stent, clip, valve or lead cannot be excluded"
        refusals.append(refusal("METAL", sentence))
    return tuple(refusals)


def tissue_findings(tissue: TissueEstimate) -> tuple[QualityFinding, ...]:
    """What does not refuse the score, but its reader should know: POSSIBLE_CONTRAST.

    Parameters
    ----------
    tissue : TissueEstimate
        HU and mL.

    Returns
    -------
    tuple of QualityFinding

    Examples
    --------
    >>> late = TissueEstimate(15.0, 50.0, 0.0, None, 0.0, dense_ml=80.0, dense_hu=92.0)
    >>> [finding.code for finding in tissue_findings(late)]
    ['POSSIBLE_CONTRAST']
    """
    if not tissue.is_dense:
        return ()
    low, high = DENSE_HU
    sentence = (
        f"{tissue.dense_ml:.0f} mL of even tissue at {tissue.dense_hu:.0f} HU: blood without contrast agent is 30 to "
        f"60 HU. From {low:g} to {high:g} HU and from {MIN_DENSE_ML:g} mL this is said and not refused; late or thin "
        "contrast agent is for the reader to exclude."
    )
    return (QualityFinding("POSSIBLE_CONTRAST", sentence),)


def refusal(reason_code: str, sentence: str) -> MeasurementRefusal:
    """A refusal of the score, in its one form of words.

    Parameters
    ----------
    reason_code : str
    sentence : str
        What is wrong, in lower case and without its full stop.

    Returns
    -------
    MeasurementRefusal

    Examples
    --------
    >>> refusal("NOISE", "noise is 31 HU").sentence
    'Calcium not scored: noise is 31 HU.'
    """
    return MeasurementRefusal(NAME, reason_code, f"Calcium not scored: {sentence}.")


NOT_CONFIRMED = refusal("NOT_CONFIRMED", "not confirmed")


def _contrast(protocol: CalciumProtocol) -> str | None:
    return f"a contrast agent is recorded ({protocol.contrast_agent})" if protocol.contrast_agent else None


def _kvp(protocol: CalciumProtocol) -> str | None:
    if protocol.kvp is None:
        return "the tube voltage is not recorded"
    is_right = KVP_RANGE[0] <= protocol.kvp <= KVP_RANGE[1]
    return None if is_right else f"the tube voltage is {protocol.kvp:g} kV; the score is defined at 120 kV"


def _slice(protocol: CalciumProtocol) -> str | None:
    thickness_mm, step_mm = protocol.slice_thickness_mm, protocol.slice_step_mm
    if thickness_mm is None:
        return "the slice thickness is not recorded"
    if not protocol.is_axial:
        return "the slices are not axial"
    if not SLICE_MM_RANGE[0] <= thickness_mm <= SLICE_MM_RANGE[1]:
        return f"slices are {thickness_mm:.3g} mm thick; 2.5 to 3 mm are needed"
    if abs(step_mm - thickness_mm) > CONTIGUOUS_TOLERANCE * thickness_mm:
        return f"slices of {thickness_mm:.3g} mm at a step of {step_mm:.3g} mm are not contiguous"
    return None


def _kernel(protocol: CalciumProtocol) -> str | None:
    if not protocol.kernel:
        return "the reconstruction kernel is not recorded"
    is_soft = SOFT_KERNELS.fullmatch(protocol.kernel)
    return None if is_soft else f"the kernel {protocol.kernel} is not known to be a soft one"


def _body_part(protocol: CalciumProtocol) -> str | None:
    if protocol.body_part:
        is_heart = any(part in protocol.body_part for part in BODY_PARTS)
        return None if is_heart else f"the body part is {protocol.body_part}, not heart or chest"
    return None if BODY_PART_WORDS.search(protocol.description) else "heart or chest is not recorded as the body part"


def _ungated(protocol: CalciumProtocol) -> str | None:
    return _ungated_reason(protocol.gating, protocol.description)


def _ungated_reason(gating: str, description: str) -> str | None:
    if gating in UNGATED_TECHNIQUES:
        return f"the cardiac synchronization technique is {gating}: not ECG-gated"
    if words := ct_words.ungated_words(gating) or ct_words.ungated_words(description):
        return f'"{words}" is recorded: not ECG-gated'
    return None if gating or ct_words.gated_words(description) else "no ECG gating is recorded"


def _coverage(protocol: CalciumProtocol) -> str | None:
    if protocol.coverage_mm >= MIN_COVERAGE_MM:
        return None
    return f"{protocol.coverage_mm:.0f} mm are covered; a whole heart needs {MIN_COVERAGE_MM:.0f} mm"


def _lossy(protocol: CalciumProtocol) -> str | None:
    return "the images were compressed with loss" if protocol.is_lossy else None


def _image_type(protocol: CalciumProtocol) -> str | None:
    if protocol.image_type[:2] != ORIGINAL:
        said = "\\".join(protocol.image_type[:2])
        return f"the image type is {said or 'not recorded'}; ORIGINAL\\PRIMARY is needed"
    return f"the images are computed from others ({protocol.rendering})" if protocol.rendering else None


_RULES: tuple[tuple[str, Callable[[CalciumProtocol], str | None]], ...] = (
    ("CONTRAST_PRESENT", _contrast),
    ("KVP", _kvp),
    ("SLICE", _slice),
    ("KERNEL", _kernel),
    ("BODY_PART", _body_part),
    ("UNGATED", _ungated),
    ("FIELD_OF_VIEW", _coverage),
    ("LOSSY", _lossy),
    ("IMAGE_TYPE", _image_type),
)
