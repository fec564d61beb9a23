"""Calcium with a reader in the loop: only a person's verdict on every candidate makes an Agatston score.

The other reading is that metal is seen: then there is no score, and a stent or a bypass means coronary disease.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from imaging.inference import AGATSTON_METHOD, AGATSTON_METHOD_VERSION, agatston_total
from imaging.models import (
    CalciumCandidate,
    CalciumReading,
    CalciumVerdict,
    Measurement,
    MetalKind,
    Series,
    SeriesVersion,
)
from imaging.selectors import series_version_visible_to

SCORE = "agatston_score"
GATE_PASSED = "NOT_CONFIRMED"  # the only refusal that a reader's confirmation lifts


class CalciumReadingError(DomainError):
    status = 422
    code = "CALCIUM_NOT_CONFIRMED"


@transaction.atomic
def calcium_confirm(
    *,
    actor: Actor,
    series_version_id: uuid.UUID,
    verdicts: Mapping[str, str],
    attests_gated_whole_heart: bool,
    attests_no_metal: bool,
    attests_large_structures_not_coronary: bool = False,
    seen_reading: int | None = None,
) -> CalciumReading:
    """Record a reader's verdicts and the score they make; the assessment that follows supersedes the one before.

    The same verdicts of the same reader sent twice are one reading. `seen_reading` is the number of the newest reading
    the reader was shown (0: none): with it, nobody replaces a reading without having seen it.
    """
    version = _version_locked(actor, series_version_id)
    _check_scorable(version)
    candidates = list(CalciumCandidate.objects.filter(series_version=version).order_by("number"))
    _check_verdicts(candidates, verdicts)
    _check_attested(version, attests_gated_whole_heart and attests_no_metal, attests_large_structures_not_coronary)
    given = {str(candidate.number): str(verdicts[str(candidate.number)]) for candidate in candidates}
    last = _newest(version)
    if last is not None:
        if same := _sent_before(last, actor, (given, [], attests_large_structures_not_coronary), seen_reading):
            return same
        _check_seen(last, seen_reading)
    coronary = [candidate for candidate in candidates if verdicts[str(candidate.number)] != CalciumVerdict.NOT_CORONARY]
    score = agatston_total([lesion for candidate in coronary for lesion in candidate.lesions])
    reading = CalciumReading.objects.create(
        organisation_id=version.organisation_id,
        series_version=version,
        number=last.number + 1 if last else 1,
        verdicts=given,
        attests_gated_whole_heart=attests_gated_whole_heart,
        attests_no_metal=attests_no_metal,
        attests_large_structures_not_coronary=attests_large_structures_not_coronary,
        agatston_score=score,
        reader_id=actor.identifier,
        reader_name=actor.name,
    )
    study = version.series.study
    Measurement.objects.create(
        organisation_id=version.organisation_id,
        patient_id=study.patient_id,
        series_version=version,
        name=SCORE,
        value=score,
        unit="1",
        method=AGATSTON_METHOD,
        method_version=AGATSTON_METHOD_VERSION,
        reading=reading,
        effective_at=study.study_at or study.created_at,
    )
    details: dict[str, Any] = {"coronary": len(coronary), "candidates": len(candidates)}
    if version.result.has_large_structures:
        details["large_structures"] = "attested"
    _follow(actor, version, reading, action="calcium.confirmed", details=details)
    return reading


@transaction.atomic
def calcium_metal_record(
    *, actor: Actor, series_version_id: uuid.UUID, metal: Sequence[str], seen_reading: int | None = None
) -> CalciumReading:
    """Record that a stent, bypass, valve or lead is seen: this CT is not scored, whatever its candidates are.

    Any CT that was read can show it, one with contrast agent too. Sent twice it is one reading, as a confirmation is.
    """
    version = _version_locked(actor, series_version_id)
    _check_newest(version)
    if version.series.modality != "CT" or not hasattr(version, "result") or not version.result.is_accepted:
        raise CalciumReadingError("Metal is recorded on a CT that has been read.", code="NOT_A_CT")
    seen = _metal_kinds(metal)
    last = _newest(version)
    if last is not None:
        if same := _sent_before(last, actor, ({}, seen, False), seen_reading):
            return same
        _check_seen(last, seen_reading)
    reading = CalciumReading.objects.create(
        organisation_id=version.organisation_id,
        series_version=version,
        number=last.number + 1 if last else 1,
        verdicts={},
        attests_gated_whole_heart=False,
        attests_no_metal=False,
        metal=seen,
        reader_id=actor.identifier,
        reader_name=actor.name,
    )
    _follow(actor, version, reading, action="calcium.metal_seen", details={"metal": seen})
    return reading


def _version_locked(actor: Actor, series_version_id: uuid.UUID) -> SeriesVersion:
    actor.require(scopes.ASSESSMENTS_REVIEW)
    version = series_version_visible_to(actor, series_version_id)
    # One reader at a time: the number of a reading is its place in the order. (A version cannot be locked: that takes
    # the right to update it, which nobody has.)
    Series.objects.select_for_update().get(id=version.series_id)
    return version


def _newest(version: SeriesVersion) -> CalciumReading | None:
    return CalciumReading.objects.filter(series_version=version).order_by("-number").first()


def _follow(
    actor: Actor, version: SeriesVersion, reading: CalciumReading, *, action: str, details: dict[str, Any]
) -> None:
    """The assessment that a reading asks for, and its entry in the log."""
    patient_id = version.series.study.patient_id
    job_enqueue(
        step=Step.PATIENT_ASSESS,
        organisation_id=version.organisation_id,
        subject_id=patient_id,
        delay=timedelta(0),
    )
    audit_append(
        actor=actor,
        action=action,
        subject_type="calcium_reading",
        subject_id=reading.id,
        patient_id=patient_id,
        organisation_id=version.organisation_id,
        details={"series": str(version.series_id), "reading": reading.number, **details},
    )


def _metal_kinds(metal: Sequence[str]) -> list[str]:
    known = ", ".join(MetalKind.values)
    if not metal:
        raise CalciumReadingError(f"Say what is seen: {known}.", code="METAL_NOT_NAMED", field="metal")
    if wrong := sorted({kind for kind in metal if kind not in MetalKind.values}):
        named = ", ".join(repr(kind[:20]) for kind in wrong[:5])
        raise CalciumReadingError(
            f"{named} is not among what can be recorded: {known}.", code="UNKNOWN_METAL", field="metal"
        )
    return sorted({str(kind) for kind in metal})


def _check_newest(version: SeriesVersion) -> None:
    newest = SeriesVersion.objects.filter(series=version.series).order_by("-number").first()
    if newest is not None and newest.id != version.id:
        raise ConflictError("Later images have arrived for this series; read the newest version.", code="NOT_NEWEST")


def _check_scorable(version: SeriesVersion) -> None:
    _check_newest(version)
    refusals = {item["name"]: item for item in version.result.refusals} if hasattr(version, "result") else {}
    refusal = refusals.get(SCORE)
    if refusal is None:
        raise CalciumReadingError("There is nothing to score in this series.", code="NO_VALID_CAC")
    if refusal["reason_code"] != GATE_PASSED:
        raise CalciumReadingError(refusal["sentence"], code=refusal["reason_code"])


def _sent_before(
    last: CalciumReading, actor: Actor, given: tuple[dict[str, str], list[str], bool], seen_reading: int | None
) -> CalciumReading | None:
    """The reading that this one repeats: the reader's newest, unless they have since seen another one replace it."""
    own = CalciumReading.objects.filter(series_version=last.series_version_id, reader_id=actor.identifier)
    newest = own.order_by("-number").first()
    if newest is None:
        return None
    if (newest.verdicts, newest.metal, newest.attests_large_structures_not_coronary) != given:
        return None
    is_repeated = newest.number == last.number or (seen_reading is not None and newest.number > seen_reading)
    return newest if is_repeated else None


def _check_seen(last: CalciumReading, seen_reading: int | None) -> None:
    if seen_reading is not None and seen_reading != last.number:
        sentence = (
            f"{last.reader_name} has read this series meanwhile (reading {last.number}). Nothing was recorded; look at "
            "that reading first, then confirm again if yours should replace it."
        )
        raise ConflictError(sentence, code="READ_MEANWHILE")


def _check_attested(version: SeriesVersion, is_gated_without_metal: bool, is_large_not_coronary: bool) -> None:
    if not is_gated_without_metal:
        sentence = (
            "A score needs your statement that the CT is ECG-gated with the whole heart in the field, and that there "
            "is no stent, bypass, valve or lead. Nothing was scored."
        )
        raise CalciumReadingError(sentence, code="NOT_ATTESTED", field="attestations")
    if version.result.has_large_structures and not is_large_not_coronary:
        sentence = (
            "Structures too large to be listed were found. A score needs your statement that none of them touches or "
            "contains a coronary calcification; if you cannot state it, the CT stays not scored. Nothing was scored."
        )
        raise CalciumReadingError(sentence, code="LARGE_STRUCTURES_NOT_ATTESTED", field="attestations")


def _check_verdicts(candidates: list[CalciumCandidate], verdicts: Mapping[str, str]) -> None:
    expected = {str(candidate.number) for candidate in candidates}
    if missing := sorted(int(number) for number in expected - set(verdicts)):
        sentence = f'{_candidates_have(missing)} no verdict; every one needs an artery or "not coronary".'
        raise CalciumReadingError(sentence, code="VERDICT_MISSING", field="verdicts")
    if unknown := sorted(set(verdicts) - expected):
        raise CalciumReadingError(
            f"There is no candidate {', '.join(unknown)}.", code="NO_SUCH_CANDIDATE", field="verdicts"
        )
    if wrong := sorted({verdict for verdict in verdicts.values() if verdict not in CalciumVerdict.values}):
        known = ", ".join(CalciumVerdict.values)
        sentence = (
            f"{', '.join(repr(verdict[:20]) for verdict in wrong[:5])} is not a verdict; the verdicts are {known}."
        )
        raise CalciumReadingError(sentence, code="UNKNOWN_VERDICT", field="verdicts")


def _candidates_have(numbers: list[int]) -> str:
    """`Candidate 1 has`, `Candidates 2 to 6 have`, `Candidates 1, 3 and 4 have`."""
    if len(numbers) == 1:
        return f"Candidate {numbers[0]} has"
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"Candidates {numbers[0]} to {numbers[-1]} have"
    return f"Candidates {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} have"
