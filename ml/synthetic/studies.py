"""A planned study becomes pixels and DICOM files: which phantom, for whom, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ml.synthetic import ct, mr, pet
from ml.synthetic.dicom_writer import Modality, StudyIdentity, SyntheticSeries
from ml.synthetic.identity import PatientIdentity, synthetic_uid

CtKind = Literal["CALCIUM_SCORE", "CORONARY_ANGIOGRAPHY", "THIN_CHEST"]
_CT_PROTOCOLS = {
    "CALCIUM_SCORE": ct.CALCIUM_SCORE,
    "CORONARY_ANGIOGRAPHY": ct.CORONARY_ANGIOGRAPHY,
    "THIN_CHEST": ct.THIN_CHEST,
}


@dataclass(frozen=True, slots=True)
class SyntheticStudy:
    """One study of one series. Only the fields of its modality matter."""

    modality: Modality
    started_at: datetime
    phantom_seed: int
    ct_kind: CtKind = "CALCIUM_SCORE"
    plaque_count: int = 3
    confounder_count: int = 1
    intracranial_volume_ml: float = 1450.0
    pet_region: pet.Region = "TORSO"
    weight_kg: float = 75.0


def study_series(study: SyntheticStudy) -> SyntheticSeries:
    """Return the volume and attributes of a planned study.

    Parameters
    ----------
    study : SyntheticStudy

    Returns
    -------
    SyntheticSeries
        Stored values (slice, row, column), without identity.

    Raises
    ------
    ml.synthetic.head.TemplateMissingError
        For MR when the `demo` extra is not installed.

    Examples
    --------
    >>> from datetime import UTC
    >>> study_series(SyntheticStudy("PT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3)).stored.shape
    (90, 128, 128)
    """
    if study.modality == "CT":
        return ct.ct_series(ct_phantom_of(study), study.started_at)
    if study.modality == "MR":
        head = mr.head_phantom(study.phantom_seed, intracranial_volume_ml=study.intracranial_volume_ml)
        return mr.mr_series(head, study.started_at)
    body = pet.pet_phantom(study.phantom_seed, region=study.pet_region, weight_kg=study.weight_kg)
    return pet.pet_series(body, study.started_at)


def ct_phantom_of(study: SyntheticStudy) -> ct.CtPhantom:
    """The phantom of a CT study, with the truth about its calcium.

    Parameters
    ----------
    study : SyntheticStudy
        Of modality CT.

    Returns
    -------
    CtPhantom
        The volume that `study_series` sends, and its calcifications.

    Raises
    ------
    ValueError
        As `ct_phantom`.

    Examples
    --------
    >>> from datetime import UTC
    >>> study = SyntheticStudy("CT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3, plaque_count=2, confounder_count=0)
    >>> len(ct_phantom_of(study).calcifications)
    2
    """
    return ct.ct_phantom(
        study.phantom_seed,
        protocol=_CT_PROTOCOLS[study.ct_kind],
        plaque_count=study.plaque_count,
        confounder_count=study.confounder_count,
    )


def study_identity(patient: PatientIdentity, study: SyntheticStudy, *, institution: str) -> StudyIdentity:
    """Return the identifiers of a study; they follow from patient, modality, time and phantom alone.

    Parameters
    ----------
    patient : PatientIdentity
    study : SyntheticStudy
    institution : str
        Institution Name.

    Returns
    -------
    StudyIdentity

    Examples
    --------
    >>> from datetime import UTC, date
    >>> anna = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N-1", "north")
    >>> study_identity(anna, SyntheticStudy("CT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3), institution="N").description
    'Calcium score'
    """
    key = (patient.issuer, patient.mrn, study.modality, study.started_at.isoformat(), study.phantom_seed)
    uid = synthetic_uid("study", *key)
    descriptions = {
        "CT": _CT_PROTOCOLS[study.ct_kind].description,
        "MR": "MR brain",
        "PT": pet.REGIONS[study.pet_region].description,
    }
    return StudyIdentity(
        patient=patient,
        study_instance_uid=uid,
        accession_number=f"S{int(uid.removeprefix('2.25.')) % 10**10:010d}",
        description=descriptions[study.modality],
        started_at=study.started_at,
        institution=institution,
    )
