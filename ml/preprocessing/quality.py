"""Is this one series of one kind of image, with pixels of a kind we can read? And what should its reader know?"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.uid import UID

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance
from ml.preprocessing.geometry import Geometry
from ml.types import QualityFinding

MODALITY_OF_SOP_CLASS = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
}
# PS3.3 C.7.6.3: these must agree across a series, or its slices are not one volume.
UNIFORM = {
    "modality": ("MIXED_MODALITY", "modalities"),
    "series_instance_uid": ("MIXED_SERIES", "Series Instance UIDs"),
    "study_instance_uid": ("MIXED_STUDY", "Study Instance UIDs"),
    "patient_id": ("MIXED_PATIENT", "Patient IDs"),
    "frame_of_reference_uid": ("MIXED_FRAME_OF_REFERENCE", "Frame of Reference UIDs"),
    "pixel_format": ("MIXED_PIXEL_FORMAT", "matrix sizes or pixel formats"),
}


def instance_check(instance: Instance) -> None:
    """Refuse an object that is not one monochrome slice of CT, MR or PET.

    Parameters
    ----------
    instance : Instance

    Returns
    -------
    None

    Raises
    ------
    SeriesRefusal
        SOP_CLASS, ENHANCED_OBJECT, MODALITY, MODALITY_MISMATCH, LOCALIZER, NO_PIXEL_DATA, MULTIFRAME or PIXEL_FORMAT,
        naming the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> instance_check(SimpleNamespace(path=Path("1.dcm"), sop_class_uid="", modality="US"))
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: 1.dcm is refused: its modality is US, not CT, MR or PT.
    """
    for check in (_check_kind, _check_pixels):
        problem = check(instance)
        if problem is not None:
            raise SeriesRefusal(problem[0], f"{instance.path.name} is refused: {problem[1]}.")


def series_check(instances: Sequence[Instance]) -> None:
    """Refuse a set of instances that is not one series of one patient.

    Parameters
    ----------
    instances : sequence of Instance

    Returns
    -------
    None

    Raises
    ------
    SeriesRefusal
        MIXED_MODALITY, MIXED_SERIES, MIXED_STUDY, MIXED_PATIENT, MIXED_FRAME_OF_REFERENCE, MIXED_PIXEL_FORMAT or
        DUPLICATE_INSTANCE.

    References
    ----------
    DICOM PS3.3 C.7.6.3.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> series_check([SimpleNamespace(modality="CT"), SimpleNamespace(modality="MR")])
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: The files have 2 different modalities; one series has one.
    """
    for attribute, (reason_code, noun) in UNIFORM.items():
        # A missing value cannot contradict; it is named among the quality findings instead.
        values = {value for instance in instances if (value := getattr(instance, attribute))}
        if len(values) > 1:
            raise SeriesRefusal(reason_code, f"The files have {len(values)} different {noun}; one series has one.")
    uids = [instance.sop_instance_uid for instance in instances if instance.sop_instance_uid]
    if len(set(uids)) < len(uids):
        repeated = len(uids) - len(set(uids))
        raise SeriesRefusal("DUPLICATE_INSTANCE", f"{repeated} SOP Instance UID(s) appear more than once.")


def series_findings(instances: Sequence[Instance], geometry: Geometry) -> tuple[QualityFinding, ...]:
    """What a reader of an accepted series should know: empty UIDs, overlaps or gaps, lossy compression.

    Parameters
    ----------
    instances : sequence of Instance, (z,)
    geometry : Geometry
        Of the series; its step in mm is compared with Slice Thickness.

    Returns
    -------
    tuple of QualityFinding
        EMPTY_UID, EMPTY_SOP_CLASS, EMPTY_PATIENT_ID, LOSSY_COMPRESSION, DERIVED, SLICE_THICKNESS_UNKNOWN,
        OVERLAPPING_SLICES or SLICE_GAPS.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> names = ("study_instance_uid", "series_instance_uid", "sop_instance_uid", "frame_of_reference_uid")
    >>> one = SimpleNamespace(**dict.fromkeys((*names, "sop_class_uid", "patient_id"), "1"), is_lossy=False,
    ...                       image_type=(), slice_thickness_mm=3.0)
    >>> grid = Geometry((2, 4, 4), (1.5, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> [finding.sentence for finding in series_findings([one, one], grid)]
    ['Slices overlap: 3 mm thick at a 1.5 mm step.']
    """
    findings = []
    empty = [name for name, attribute in _UID_ATTRIBUTES if any(not getattr(one, attribute) for one in instances)]
    if empty:
        findings.append(QualityFinding("EMPTY_UID", f"Empty or missing: {', '.join(empty)}."))
    if not all(instance.sop_class_uid for instance in instances):
        findings.append(QualityFinding("EMPTY_SOP_CLASS", "SOP Class UID is empty; read by its Modality."))
    if not all(instance.patient_id for instance in instances):
        findings.append(QualityFinding("EMPTY_PATIENT_ID", "Patient ID is empty: the images name no patient."))
    if any(instance.is_lossy for instance in instances):
        findings.append(QualityFinding("LOSSY_COMPRESSION", "Compressed with loss: the values are altered."))
    if any("DERIVED" in instance.image_type for instance in instances):
        findings.append(QualityFinding("DERIVED", "The images are derived, not original (ImageType)."))
    return (*findings, *_thickness_findings(instances, geometry))


_UID_ATTRIBUTES = (
    ("Study Instance UID", "study_instance_uid"),
    ("Series Instance UID", "series_instance_uid"),
    ("SOP Instance UID", "sop_instance_uid"),
    ("Frame of Reference UID", "frame_of_reference_uid"),
)


def _thickness_findings(instances: Sequence[Instance], geometry: Geometry) -> list[QualityFinding]:
    thicknesses = {instance.slice_thickness_mm for instance in instances}
    step_mm = geometry.spacing_zyx_mm[0]
    if len(thicknesses) > 1 or (thickness_mm := thicknesses.pop()) is None or thickness_mm <= 0:
        return [QualityFinding("SLICE_THICKNESS_UNKNOWN", "Slice Thickness is missing or differs between slices.")]
    if thickness_mm > 1.02 * step_mm:
        sentence = f"Slices overlap: {thickness_mm:.3g} mm thick at a {step_mm:.3g} mm step."
        return [QualityFinding("OVERLAPPING_SLICES", sentence)]
    if thickness_mm < 0.98 * step_mm:
        sentence = f"Slices leave gaps: {thickness_mm:.3g} mm thick at a {step_mm:.3g} mm step."
        return [QualityFinding("SLICE_GAPS", sentence)]
    return []


def _check_kind(instance: Instance) -> tuple[str, str] | None:
    if instance.sop_class_uid and instance.sop_class_uid not in MODALITY_OF_SOP_CLASS:
        name = UID(instance.sop_class_uid).name
        if name.startswith(("Enhanced ", "Legacy Converted Enhanced ")):
            return "ENHANCED_OBJECT", f"{name} holds many frames in one object, which is not read yet"
        return "SOP_CLASS", f"{name} is not a CT, MR or PET image"
    if instance.modality not in MODALITY_OF_SOP_CLASS.values():
        return "MODALITY", f"its modality is {instance.modality or 'empty'}, not CT, MR or PT"
    if instance.sop_class_uid and MODALITY_OF_SOP_CLASS[instance.sop_class_uid] != instance.modality:
        return "MODALITY_MISMATCH", f"it is a {UID(instance.sop_class_uid).name} but says modality {instance.modality}"
    if "LOCALIZER" in instance.image_type:
        return "LOCALIZER", "it is a localizer (ImageType), a projection and not a slice"
    return None


def _check_pixels(instance: Instance) -> tuple[str, str] | None:
    form = instance.pixel_format
    if form is None or instance.part10.pixel_keyword != "PixelData":
        return "NO_PIXEL_DATA", "it has no integer pixel data with Rows and Columns"
    if form.number_of_frames != 1:
        return "MULTIFRAME", f"it holds {form.number_of_frames} frames; one object must hold one slice"
    if form.photometric_interpretation != "MONOCHROME2" or form.samples_per_pixel != 1:
        # MONOCHROME1 is refused, not inverted: for CT, MR and PET it marks secondary, display-oriented pictures.
        return "PIXEL_FORMAT", f"it is {form.photometric_interpretation or 'of unknown colour'}, not MONOCHROME2"
    is_sound = (
        form.bits_allocated in (8, 16)
        and 1 <= form.bits_stored <= form.bits_allocated
        and form.high_bit == form.bits_stored - 1
        and form.pixel_representation in (0, 1)
    )
    if not is_sound:
        return "PIXEL_FORMAT", (
            f"its pixels are not read: {form.bits_stored} of {form.bits_allocated} bits stored, high bit "
            f"{form.high_bit}, pixel representation {form.pixel_representation}"
        )
    return None
