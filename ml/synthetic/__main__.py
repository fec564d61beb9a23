"""`python -m ml.synthetic DIR --patients 3 --seed 1`: DICOM folders and cohort.json of invented patients."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_args

from ml.synthetic.cohort import SyntheticPatient, demo_cohort, new_patient_and_study
from ml.synthetic.dicom_writer import TransferSyntax, series_write
from ml.synthetic.head import TemplateMissingError
from ml.synthetic.identity import SYNTHETIC_COMMENT
from ml.synthetic.studies import CtKind, ct_phantom_of, study_identity, study_series

_REFERENCE_DATE = date(2026, 1, 15)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and say what was written; 1 with a sentence when something is missing."""
    options = _parser().parse_args(arguments)
    if options.folder.exists() and any(options.folder.iterdir()):
        sys.stderr.write(f"{options.folder} is not empty; nothing was written.\n")
        return 1
    patients = _patients(options)
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        for patient in patients:
            _write_studies(options.folder, patient, options.transfer_syntax)
    except TemplateMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    document: dict[str, object] = {
        "comment": SYNTHETIC_COMMENT,
        "seed": options.seed,
        "patients": [asdict(p) for p in patients],
    }
    if options.new_patient:
        document["calcifications"] = [asdict(item) for item in ct_phantom_of(patients[0].studies[0]).calcifications]
    text = json.dumps(document, default=_plain, indent=1, ensure_ascii=False)
    (options.folder / "cohort.json").write_text(text + "\n", encoding="utf-8")
    return 0


def _patients(options: argparse.Namespace) -> list[SyntheticPatient]:
    if options.new_patient:
        patient = new_patient_and_study(options.seed, options.reference_date)
        study = replace(patient.studies[0], ct_kind=options.ct_kind)
        return [replace(patient, studies=(study,))]
    cohort = demo_cohort(options.seed, options.reference_date)
    # Whoever has studies first: files are what this command is for.
    return sorted(cohort, key=lambda patient: not patient.studies)[: options.patients]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.synthetic", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to write; must be empty or absent")
    parser.add_argument("--patients", type=int, default=3, help="how many, those with studies first (at most 42)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--new-patient", action="store_true", help="one patient who is not in the cohort, with one CT and its truth"
    )
    parser.add_argument("--ct-kind", choices=get_args(CtKind), default="CALCIUM_SCORE", help="of the new patient's CT")
    parser.add_argument("--reference-date", type=date.fromisoformat, default=_REFERENCE_DATE, help="YYYY-MM-DD")
    parser.add_argument("--transfer-syntax", choices=get_args(TransferSyntax), default="explicit-little-endian")
    return parser


def _write_studies(folder: Path, patient: SyntheticPatient, transfer_syntax: TransferSyntax) -> None:
    for study in patient.studies:
        identity = study_identity(patient.identity, study, institution=patient.organisation.name)
        series_folder = folder / patient.identity.mrn / f"{study.modality}-{identity.accession_number}"
        size = series_write(series_folder, study_series(study), identity, transfer_syntax=transfer_syntax)
        sys.stdout.write(f"{series_folder}  {size / 1e6:.1f} MB  {patient.identity.dicom_name}\n")


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in cohort.json.")


if __name__ == "__main__":
    sys.exit(main())
