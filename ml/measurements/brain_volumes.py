"""Intracranial volume of a T1-weighted head, by the deepbet network (Fisch L et al., Human Brain Mapping 2024).

Head size, a normaliser; never a brain-health number. deepbet is an optional extra; its weights lie in its wheel and are
checked by SHA-256 before they are loaded. Its module `deepbet.bet` is used, which does not touch its graphical parts.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset

from ml.errors import Refusal
from ml.measurements.brain_plausibility import check_brain
from ml.preprocessing.geometry import Geometry
from ml.preprocessing.header import header_number, header_text
from ml.preprocessing.volume import Volume
from ml.types import Measurement

if TYPE_CHECKING:
    from deepbet.bet import BrainExtraction

NAME = "intracranial_volume_ml"
METHOD = "deepbet brain extraction (skull stripping) of one T1-weighted series, threshold 0.5"
PLAUSIBLE_ML = (900.0, 2200.0)  # adult and adolescent heads; outside it the mask is wrong, not the head
MAX_VOXEL_MM = 2.0
MIN_EXTENT_XYZ_MM = (130.0, 160.0, 130.0)  # left to right, front to back, bottom to top
# A spin echo is T1-weighted with short TE and TR; a gradient echo with a short TE, with or without inversion.
MAX_T1_ECHO_MS = 15.0
MAX_T1_SPIN_ECHO_REPETITION_MS = 900.0
MAX_T1_FLAIR_ECHO_MS = 30.0  # a turbo spin echo after an inversion
NO_CONTRAST = ("", "NONE", "NO", "NO CONTRAST", "WITHOUT", "N/A")

WEIGHTS_SHA256 = {
    "model.pt": "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
    "bbox_model.pt": "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
}

# All of these are matched against `_words`: lower case, anything else than letters, digits, + and * is a space.
_HEAD = re.compile(r"\b(?:head|headneck|brain|skull|cranium|cranial|neuro|cerebr\w*)\b")
_OTHER_HEAD = re.compile(  # of a bone or an organ
    r"\b(?:femoral|femur|radial|radius|humeral|humerus|fibular?|ulnar?|metatarsal|metacarpal|pancrea\w*|hip|elbow"
    r"|shoulder|knee) (?:\w+ )?head\b|\bhead of\b"
)
_PHANTOM = re.compile(r"\bphantom\b|\bacr\b")
_T1 = re.compile(r"t1|mp ?rage|spgr|bravo|tfl3d|tfe|vibe")
_T1_FLAIR = re.compile(r"\bt1 ?w? (?:\w+ )?flair\b|\bflair t1w?\b")
_NOT_T1 = re.compile(
    r"t2|t1 ?rho|flair|\bswi|\bdwi|\bdti\b|\bdiff|\badc\b|\bbold\b|\bperf|\basl\b|\bepi\b|\bep2d|\bepfid|\btof\b"
    r"|angio|\bmr[av]\b|\bpdw?\b|proton density|\bmtc?\b|fiesta|\bciss\b|trufi|b?ssfp|map(?:s|ping)?\b|molli|field ?map"
)
_NO_AGENT = re.compile(r"\b(?:non|no|not|without|wo|w o|pre|before) (?:iv )?(?:contrast|gad\w*|gd|km|enhanced)\b")
_AGENT = re.compile(r"\b(?:post|gad\w*|gd|contrast|enhanced|ce|km)\b|\+ ?(?:c|gd|gad\w*|km)\b|\bc\+")
_OTHER_IMAGE = {"P", "PHASE", "PHASE MAP", "I", "IMAGINARY", "T1 MAP", "T2 MAP", "T1", "T2"}  # of ImageType, 3 and on


@dataclass(frozen=True, slots=True)
class HeadProtocol:
    """What the header and the geometry say about an MR series; "" and None are not recorded."""

    body_part: str
    description: str
    scanning_sequence: str
    echo_time_ms: float | None
    repetition_time_ms: float | None
    contrast_agent: str
    spacing_zyx_mm: tuple[float, float, float]
    extent_xyz_mm: tuple[float, float, float]
    study_description: str = ""  # of the whole study: may name the head, but not what this series is
    image_type: tuple[str, ...] = ()
    contrast_volume_ml: float | None = None


def head_protocol(header: Dataset, geometry: Geometry) -> HeadProtocol:
    """Collect what the gate judges from one header and the geometry of the series.

    Parameters
    ----------
    header : Dataset
        Of any one slice, from `header_read`.
    geometry : Geometry
        Its extents in mm are taken along the patient's axes, whatever the orientation of the slices.

    Returns
    -------
    HeadProtocol

    Examples
    --------
    >>> header = Dataset()
    >>> header.BodyPartExamined, header.EchoTime = "BRAIN", 2.9
    >>> sagittal = Geometry((160, 256, 240), (1.2, 1.0, 1.0), (0, 0, 0), (0, 1, 0), (0, 0, -1), (-1, 0, 0))
    >>> protocol = head_protocol(header, sagittal)
    >>> protocol.body_part, protocol.echo_time_ms, protocol.repetition_time_ms, protocol.extent_xyz_mm
    ('BRAIN', 2.9, None, (192.0, 240.0, 256.0))
    """
    keywords = ("SeriesDescription", "ProtocolName", "SequenceName")
    sizes_mm = np.multiply(geometry.shape_zyx, geometry.spacing_zyx_mm)
    axes = np.abs(np.column_stack((geometry.normal, geometry.column_direction, geometry.row_direction)))
    x, y, z = (float(extent) for extent in (axes * sizes_mm).max(axis=1))
    return HeadProtocol(
        body_part=header_text(header, "BodyPartExamined"),
        description=" ".join(text for keyword in keywords if (text := header_text(header, keyword))),
        scanning_sequence=header_text(header, "ScanningSequence"),
        echo_time_ms=header_number(header, "EchoTime"),
        repetition_time_ms=header_number(header, "RepetitionTime"),
        contrast_agent=header_text(header, "ContrastBolusAgent"),
        spacing_zyx_mm=geometry.spacing_zyx_mm,
        extent_xyz_mm=(x, y, z),
        study_description=header_text(header, "StudyDescription"),
        image_type=tuple(header_text(header, "ImageType").upper().split("\\")),
        contrast_volume_ml=header_number(header, "ContrastBolusVolume"),
    )


def check_protocol(protocol: HeadProtocol) -> None:
    r"""Refuse a series that is not a whole T1-weighted head in near-isotropic voxels.

    Parameters
    ----------
    protocol : HeadProtocol
        From `head_protocol`; echo and repetition times in ms, voxels and extents in mm.

    Returns
    -------
    None

    Raises
    ------
    Refusal
        BODY_PART, IMAGE_TYPE, CONTRAST_PRESENT, NOT_T1, VOXEL_SIZE or FIELD_OF_VIEW.

    Examples
    --------
    >>> cube = ((1.0, 1.0, 1.0), (180.0, 240.0, 200.0))
    >>> check_protocol(HeadProtocol("BRAIN", "t1_mprage", r"GR\IR", 2.9, 2300.0, "", *cube))
    >>> check_protocol(HeadProtocol("KNEE", "t1", "SE", 12.0, 500.0, "", *cube))
    Traceback (most recent call last):
    ml.errors.Refusal: the body part is KNEE, not the head
    """
    for reason_code, judge in _RULES:
        sentence = judge(protocol)
        if sentence is not None:
            raise Refusal(reason_code, sentence)


def intracranial_volume_ml(volume: Volume, geometry: Geometry) -> Measurement:
    """Measure the intracranial volume of one head on the CPU.

    Parameters
    ----------
    volume : float32 array, (z, y, x)
        A T1-weighted series that passed `check_protocol`, in its own unit; orientation is taken from the geometry.
    geometry : Geometry
        Of the volume.

    Returns
    -------
    Measurement
        In mL.

    Raises
    ------
    Refusal
        EXTRA_NOT_INSTALLED, WEIGHTS_ALTERED, NO_BRAIN_FOUND, FIELD_OF_VIEW, IMPLAUSIBLE_VOLUME or any code of
        `brain_plausibility.check_brain`.

    References
    ----------
    Fisch L et al. Human Brain Mapping 2024: deepbet.

    Examples
    --------
    >>> grid = Geometry((64, 64, 64), (4, 4, 4), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> try:
    ...     intracranial_volume_ml(np.zeros((64, 64, 64), dtype=np.float32), grid)
    ... except Refusal as refusal:  # the first where the extra `brain` is not installed
    ...     refusal.reason_code in ("EXTRA_NOT_INSTALLED", "NO_BRAIN_FOUND")
    True
    """
    if importlib.util.find_spec("deepbet") is None:
        raise Refusal("EXTRA_NOT_INSTALLED", "the extra `brain` (deepbet) is not installed")
    extraction = _extraction()
    import nibabel

    # NIfTI's world is RAS, DICOM's is LPS: x and y change sign. deepbet reorients by this affine.
    affine_ras = np.diag((-1.0, -1.0, 1.0, 1.0)) @ np.vstack((geometry.affine_lps_mm()[:, [2, 1, 0, 3]], (0, 0, 0, 1)))
    image = nibabel.Nifti1Image(volume.transpose(2, 1, 0), affine_ras)  # type: ignore[no-untyped-call]
    try:
        _, mask_image, volume_ml = extraction.run(image)
    except (AssertionError, ValueError) as error:  # how deepbet says that there is no foreground
        raise Refusal("NO_BRAIN_FOUND", "no brain was found in the images") from error
    mask = np.asarray(mask_image.dataobj) > 0
    if not mask.any():
        raise Refusal("NO_BRAIN_FOUND", "no brain was found in the images")
    if any(mask.take((0, -1), axis=axis).any() for axis in range(3)):
        raise Refusal("FIELD_OF_VIEW", "the brain reaches the edge of the images")
    value_ml = float(volume_ml)
    if not PLAUSIBLE_ML[0] <= round(value_ml) <= PLAUSIBLE_ML[1]:
        limits = f"{PLAUSIBLE_ML[0]:.0f} to {PLAUSIBLE_ML[1]:.0f} mL"
        raise Refusal("IMPLAUSIBLE_VOLUME", f"{value_ml:.0f} mL was found; {limits} is plausible")
    check_brain(volume, mask.transpose(2, 1, 0), geometry)
    return Measurement(NAME, value_ml, "mL", METHOD, f"deepbet {importlib.metadata.version('deepbet')}")


@functools.cache
def _extraction() -> BrainExtraction:
    """The two networks, loaded once a process; torch and deepbet are imported only when a head is measured."""
    specification = importlib.util.find_spec("deepbet")
    if specification is None or specification.origin is None:
        raise Refusal("EXTRA_NOT_INSTALLED", "the extra `brain` (deepbet) is not installed")
    folder = Path(specification.origin).parents[1] / "data" / "models"
    for name, expected in WEIGHTS_SHA256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise Refusal("WEIGHTS_ALTERED", f"deepbet's {name} is not the file this measurement was checked with")
    from deepbet.bet import BrainExtraction

    with warnings.catch_warnings():
        # deepbet's networks are TorchScript, which torch deprecates but still loads.
        warnings.simplefilter("ignore", DeprecationWarning)
        return BrainExtraction(no_gpu=True)


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9+*]+", " ", text.lower()).strip()


def _body_part(protocol: HeadProtocol) -> str | None:
    described = _words(f"{protocol.description} {protocol.study_description}")
    if _PHANTOM.search(described):
        return "its description names a phantom, not a patient's head"
    if protocol.body_part:
        is_head = _HEAD.search(_words(protocol.body_part))
        return None if is_head else f"the body part is {protocol.body_part}, not the head"
    is_head = _HEAD.search(_OTHER_HEAD.sub(" ", described))
    return None if is_head else "the head is not recorded as the body part"


def _image_type(protocol: HeadProtocol) -> str | None:
    stated = "\\".join(protocol.image_type)
    if "DERIVED" in protocol.image_type:
        return f"its images are derived, not original (ImageType {stated})"
    is_other = _OTHER_IMAGE & set(protocol.image_type[2:])
    return f"its images are no magnitude images (ImageType {stated})" if is_other else None


def _contrast(protocol: HeadProtocol) -> str | None:
    if protocol.contrast_agent.upper() not in NO_CONTRAST:
        return f"a contrast agent is recorded ({protocol.contrast_agent})"
    if protocol.contrast_volume_ml:
        return f"a contrast agent is recorded ({protocol.contrast_volume_ml:g} mL)"
    if _AGENT.search(_NO_AGENT.sub(" ", _words(protocol.description))):
        return f"its description ({protocol.description}) names a contrast agent"
    return None


def _weighting(protocol: HeadProtocol) -> str | None:
    """What excludes T1 comes first: `T2 not T1` is no T1, and a map or a field map is no image of a head."""
    words = _words(protocol.description)
    without_t1_flair = _T1_FLAIR.sub(" t1 ", words)
    if _NOT_T1.search(without_t1_flair):
        return f"its description ({protocol.description}) is not of a T1-weighted series"
    echo_ms, limit_ms = protocol.echo_time_ms, MAX_T1_ECHO_MS if without_t1_flair == words else MAX_T1_FLAIR_ECHO_MS
    if echo_ms is not None and echo_ms > limit_ms:
        return f"an echo time of {echo_ms:g} ms is not T1 weighting"
    return None if _T1.search(words) else _weighting_by_times(protocol)


def _weighting_by_times(protocol: HeadProtocol) -> str | None:
    """A gradient echo without inversion may be anything: field map, angiography, proton density, steady state."""
    sequences = protocol.scanning_sequence.split("\\")
    repetition_ms = protocol.repetition_time_ms
    is_prepared = "GR" in sequences and "IR" in sequences
    if protocol.echo_time_ms is None or repetition_ms is None or not (is_prepared or "SE" in sequences):
        return "neither its description nor its sequence with echo and repetition times show T1 weighting"
    is_t1 = is_prepared or repetition_ms <= MAX_T1_SPIN_ECHO_REPETITION_MS
    return None if is_t1 else f"a repetition time of {repetition_ms:g} ms is not T1 weighting"


def _voxel_size(protocol: HeadProtocol) -> str | None:
    largest_mm = round(max(protocol.spacing_zyx_mm), 2)
    return None if largest_mm <= MAX_VOXEL_MM else f"voxels of {largest_mm:g} mm are too coarse for a volume"


def _field_of_view(protocol: HeadProtocol) -> str | None:
    pairs = zip(protocol.extent_xyz_mm, MIN_EXTENT_XYZ_MM, strict=True)
    if all(extent >= least for extent, least in pairs):
        return None
    extents = " x ".join(f"{extent:.0f}" for extent in protocol.extent_xyz_mm)
    return f"{extents} mm (left-right, front-back, top-bottom) do not hold a whole head"


_RULES: tuple[tuple[str, Callable[[HeadProtocol], str | None]], ...] = (
    ("BODY_PART", _body_part),
    ("IMAGE_TYPE", _image_type),
    ("CONTRAST_PRESENT", _contrast),
    ("NOT_T1", _weighting),
    ("VOXEL_SIZE", _voxel_size),
    ("FIELD_OF_VIEW", _field_of_view),
)
