"""Everything the patient page shows, gathered once; the same page comes back when one of its forms is refused."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.selectors import user_names
from cdss.assessments.models import Assessment, AssessmentReview, FeatureState, OverrideReason, ReviewKind
from cdss.assessments.selectors import assessment_current, assessment_history, superseded_notices
from cdss.assessments.services.known_rows import KnownRows, rows_known_at
from cdss.audit.selectors import audit_seq_of
from cdss.audit.services import audit_append
from cdss.dashboard.forms import ReviewForm
from cdss.dashboard.presenters_answers import Questions, Withheld, present_questions, withheld_for
from cdss.dashboard.presenters_estimates import Estimates, present_estimates
from cdss.dashboard.presenters_imaging import (
    METAL,
    NOT_SEARCHED,
    VERDICTS,
    Calcium,
    StudyRow,
    present_studies,
)
from cdss.dashboard.presenters_inputs import Inputs, form_user_ids, present_inputs
from cdss.dashboard.presenters_patient import Banner, HistoryRow, present_banner, present_history
from cdss.dashboard.presenters_unused import UnusedRow, present_refused, present_unused
from cdss.jobs.models import Job
from cdss.jobs.selectors import job_last_failed, jobs_open
from cdss.jobs.steps import Step
from imaging.models import SeriesState
from imaging.selectors import newest_versions, series_visible_to, studies_of_patient
from patients.models import Patient
from patients.selectors import patient_visible_to, refused_observations_of, unused_observations_of

HISTORY_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Work:
    """What is still under way for a patient; the page asks again while there is any."""

    jobs: list[Job]
    arriving_series: int
    failed: Job | None = None

    @property
    def is_under_way(self) -> bool:
        return bool(self.jobs) or self.arriving_series > 0

    @property
    def is_assessing(self) -> bool:
        return any(job.step == Step.PATIENT_ASSESS for job in self.jobs)


@dataclass(slots=True)
class Record:
    """One assessment with everything said of it."""

    assessment: Assessment
    estimates: Estimates
    inputs: Inputs
    reviews: list[AssessmentReview]
    audit_seq: int | None

    @property
    def newest_value_at(self) -> datetime | None:
        """The date of the newest value that was used."""
        used = self.assessment.snapshot.features.all()
        return max(
            (item.effective_at for item in used if item.state == FeatureState.USED and item.effective_at), default=None
        )

    @property
    def override(self) -> AssessmentReview | None:
        """The newest override: it stays beside the numbers, also when somebody has acknowledged them since."""
        return next((item for item in reversed(self.reviews) if item.kind == ReviewKind.OVERRIDE), None)

    @property
    def seen_review(self) -> str:
        """The newest answer shown: a form sends it back, so that nobody answers over one they have not seen."""
        return str(self.reviews[-1].id) if self.reviews else ""


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """What is wrong with one answer, to be read at the top of the page; `fragment` is its field."""

    fragment: str
    sentence: str


@dataclass(slots=True)
class PatientPage:
    patient: Patient
    banner: Banner
    known: KnownRows
    work: Work
    record: Record | None
    questions: Questions
    refused: list[UnusedRow]
    unused: list[UnusedRow]
    studies: list[StudyRow]
    history: list[HistoryRow]
    notice: AssessmentReview | None
    may_write: bool
    may_review: bool
    review: ReviewForm = field(default_factory=lambda: ReviewForm("", "", "", None))
    review_errors: dict[str, str] = field(default_factory=dict)
    answer_errors: list[str] = field(default_factory=list)
    answers_not_recorded: int = 0

    @property
    def is_asking(self) -> bool:
        """A number waits for an answer: the questions stand beside the numbers, not at the side."""
        questions = self.questions
        return bool(questions.first.questions) or any(group.is_wanted for group in questions.groups)

    @property
    def has_answer_errors(self) -> bool:
        return bool(self.answer_errors) or self.questions.has_errors

    @property
    def questions_with_errors(self) -> int:
        return sum(bool(row.errors) for group in self.questions.all_groups for row in group.rows)

    @property
    def problems(self) -> list[AnswerProblem]:
        """What else was refused on this page, wherever its form stands."""
        forms = (row.calcium for study in self.studies for row in study.series if row.calcium)
        return [
            *(AnswerProblem("answer", sentence) for sentence in self.review_errors.values()),
            *(
                AnswerProblem(f"series-{form.version.id}", _titled("Calcium", sentence))
                for form in forms
                for sentence in form.errors
            ),
        ]

    @property
    def answer_problems(self) -> list[AnswerProblem]:
        return [
            *(AnswerProblem("questions", sentence) for sentence in self.answer_errors),
            *(
                AnswerProblem(f"answer-{row.feature}", _titled(row.question.title, sentence))
                for row in self.questions.questions
                for sentence in row.errors
            ),
            *(
                AnswerProblem(f"number-{row.feature}", _titled(row.entered.quantity.title, sentence))
                for row in self.questions.numbers
                for sentence in row.errors
            ),
        ]

    def calcium_of(self, version_id: uuid.UUID) -> Calcium | None:
        forms = (row.calcium for study in self.studies for row in study.series if row.calcium)
        return next((form for form in forms if form.version.id == version_id), None)


def _titled(title: str, sentence: str) -> str:
    return sentence if sentence.startswith(title) else f"{title}: {sentence}"


def work_of(actor: Actor, patient: Patient) -> Work:
    subjects = [patient.id, *newest_versions(patient.id).values_list("id", flat=True)]
    jobs = list(jobs_open(organisation_id=patient.organisation_id, subject_ids=subjects))
    arriving = series_visible_to(actor).filter(study__patient=patient, state=SeriesState.RECEIVING).count()
    failed = job_last_failed(organisation_id=patient.organisation_id, subject_id=patient.id, step=Step.PATIENT_ASSESS)
    return Work(jobs, arriving, failed)


def patient_page(actor: Actor, patient_id: uuid.UUID, now: datetime) -> PatientPage:
    patient = patient_visible_to(actor, patient_id)
    banner = present_banner(patient, now)
    known = rows_known_at(patient, now)
    current = assessment_current(actor, patient_id)
    refused, unused = refused_observations_of(actor, patient, now), unused_observations_of(actor, patient)
    may_see_genetics = actor.may(scopes.GENETICS_READ)
    sources = {row.source for row in known.answers.values()} | {item.row.source for item in unused}
    sources |= {rows[0].source for rows in known.observations.values()}
    if current is not None:
        sources |= {feature.source for feature in current.snapshot.features.all()}
    names = user_names(organisation_id=patient.organisation_id, user_ids=form_user_ids(sources))
    studies = present_studies(studies_of_patient(actor, patient_id).select_related("outcome"))
    history = assessment_history(actor, patient_id)[:HISTORY_LENGTH]
    notices = superseded_notices(actor).filter(assessment__patient=patient)
    withheld = withheld_for(current)
    questions = present_questions(
        patient,
        known,
        names,
        age_years=banner.age_years,
        now=now,
        withheld=withheld,
        may_see_genetics=may_see_genetics,
    )
    _open_groups(questions, withheld)
    return PatientPage(
        patient=patient,
        banner=banner,
        known=known,
        work=work_of(actor, patient),
        record=present_record(actor, current, names) if current else None,
        questions=questions,
        refused=present_refused(refused, names),
        unused=present_unused(unused, names),
        studies=studies,
        history=present_history(history, current),
        notice=notices.first(),
        may_write=actor.may(scopes.PATIENTS_WRITE),
        may_review=actor.may(scopes.ASSESSMENTS_REVIEW),
    )


def _open_groups(questions: Questions, withheld: Withheld) -> None:
    """A refusal names only the first input that is missing; the next one is likely of the same group."""
    wanted = {row.question.group.words for row in questions.first.questions if row.feature in withheld.wanted}
    for group in questions.groups:
        group.is_wanted = group.is_wanted or (group.title in wanted and group.open_count > 0)


def present_record(actor: Actor, assessment: Assessment, names: dict[str, str]) -> Record:
    may_see_genetics = actor.may(scopes.GENETICS_READ)
    return Record(
        assessment=assessment,
        estimates=present_estimates(assessment.estimates.all(), may_see_genetics=may_see_genetics),
        inputs=present_inputs(assessment.snapshot.features.all(), names, may_see_genetics=may_see_genetics),
        reviews=list(assessment.reviews.all()),
        audit_seq=audit_seq_of(
            patient_id=assessment.patient_id, action="assessment.recorded", subject_id=assessment.id
        ),
    )


def patient_page_render(request: HttpRequest, actor: Actor, page: PatientPage, *, status: int = 200) -> HttpResponse:
    """The caller holds the transaction: the audit entry of the viewing is the last thing in it."""
    context = {
        "page": page,
        "banner": page.banner,
        "record": page.record,
        "override_reasons": OverrideReason.choices,
        "verdicts": VERDICTS,
        "metal": METAL,
        "not_searched": NOT_SEARCHED,
        "review_key": page.review.key or str(uuid.uuid4()),
    }
    response = render(request, "dashboard/patient.html", context, status=status)
    viewed_append(actor, page.patient, page.record.assessment if page.record else None)
    return response


def viewed_append(actor: Actor, patient: Patient, assessment: Assessment | None) -> None:
    """Last in the transaction of the view."""
    audit_append(
        actor=actor,
        action="patient.viewed",
        subject_type="patient",
        subject_id=patient.id,
        patient_id=patient.id,
        organisation_id=patient.organisation_id,
        details={"assessment": str(assessment.id) if assessment else None},
    )
