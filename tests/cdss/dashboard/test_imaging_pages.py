"""Studies on the patient page, calcium with a reader in the loop, and the pictures themselves."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdss.accounts.models import Role
from cdss.accounts.services import user_create
from cdss.assessments.models import Assessment
from cdss.audit.models import AuditEntry
from cdss.jobs.running import jobs_run_due
from imaging.models import CalciumCandidate, CalciumReading, KeyImage, SeriesVersion
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import study_arrives, tags_of, text_of
from tests.factories import PASSWORD, Hospital
from tests.imaging import arrivals
from tests.imaging.part10 import ct_part10
from tests.security.world import stow

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(hospital: Hospital, assessed: Patient) -> SeriesVersion:
    return study_arrives(hospital, assessed).series.get().versions.get()


def verdicts_of(version: SeriesVersion, verdict: str = "LAD", *, missing: int = 0) -> dict[str, str]:
    candidates = list(CalciumCandidate.objects.filter(series_version=version).order_by("number"))
    assert len(candidates) >= 2
    return {f"verdict-{item.number}": verdict for item in candidates[missing:]}


LARGE = "attests_large_structures_not_coronary"  # the phantom has a spine and a sternum
ATTESTED = {"attests_gated_whole_heart": "on", "attests_no_metal": "on", LARGE: "on"}


def test_series_shows_instances_geometry_measurements_and_what_was_not_searched_for(
    clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert f"{version.instance_count} instances · Read · 44 slices of 512 × 512, 0.488 × 0.488 × 3 mm" in page
    assert "Agatston score Not measured Calcium not scored: not confirmed. NOT_CONFIRMED" in page
    assert page.count("Not searched for: bleeding, infarct, embolism, dissection. Not for primary diagnosis.") == 2
    for finding in version.result.quality:
        assert finding["code"] in page


def test_each_candidate_has_its_picture_place_and_numbers(
    clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    html = clinician.get(f"/patients/{assessed.id}/").content
    page = text_of(html)
    for item in CalciumCandidate.objects.filter(series_version=version):
        x, y, z = item.position_xyz_mm
        place = f"{x:.0f}, {y:.0f}, {z:.0f}".replace("-", "−")
        assert f"{item.number} {item.slice_index + 1} {place} {item.peak_hu:.0f} {item.area_mm2:.1f}" in page
        assert item.key_image is not None
        picture = next(a for tag, a in tags_of(html) if tag == "img" and str(item.key_image.id) in (a["src"] or ""))
        assert (picture["width"], picture["alt"]) == (str(item.key_image.width), item.key_image.caption)


def test_structures_too_large_to_be_listed_are_seen_and_not_scored_without_a_statement(
    clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    structures = version.result.large_structures
    assert len(structures) == 2  # spine and sternum
    html = clinician.get(f"/patients/{assessed.id}/").content
    page, shown = text_of(html), [a.get("src") for tag, a in tags_of(html) if tag == "img"]
    assert "No structure above 130 HU" not in page
    for item in structures:
        x, y, z = item["position_xyz_mm"]
        place = f"{x:.0f}, {y:.0f}, {z:.0f}".replace("-", "−")
        slices = f"{item['first_slice_index'] + 1} to {item['last_slice_index'] + 1}"
        assert f"{item['number']} {slices} {place} {item['peak_hu']:.0f} {item['volume_mm3']:.0f}" in page
        picture = KeyImage.objects.get(series_version=version, name=item["key_image"])
        assert shown.count(f"/key-images/{picture.id}.png") == 1
        assert clinician.get(f"/key-images/{picture.id}.png").content[:8] == b"\x89PNG\r\n\x1a\n"
    address = f"/series-versions/{version.id}/calcium/"
    refused = clinician.post(address, {**verdicts_of(version), **ATTESTED, LARGE: []})
    assert refused.status_code == 422
    assert "none of them touches or contains a coronary calcification" in text_of(refused.content)
    kept = {a["name"] for _, a in tags_of(refused.content) if "checked" in a}
    assert {"attests_gated_whole_heart", "attests_no_metal"} <= kept
    assert LARGE not in kept
    assert "Calcium not scored: not confirmed. NOT_CONFIRMED" in text_of(refused.content)
    assert CalciumReading.objects.count() == 0
    assert clinician.post(address, {**verdicts_of(version), **ATTESTED}).status_code == 303
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert "no structure too large to be listed touches or contains a coronary calcification." in page


@pytest.mark.parametrize("quality", [[], [{"code": "LARGE_STRUCTURES_NOT_LISTED", "sentence": "1 is not listed."}]])
def test_none_was_found_is_said_only_where_nothing_was_found(
    hospital: Hospital, clinician: Client, quality: list[dict[str, str]]
) -> None:
    who = factories.patient(hospital)
    version = arrivals.read(arrivals.ready(hospital, arrivals.study(who)), lesions=0, quality=quality)
    html = clinician.get(f"/patients/{who.id}/").content
    is_asked = LARGE in {a.get("name") for _, a in tags_of(html)}
    assert is_asked == bool(quality)
    assert ("No structure above 130 HU and 1 mm² was found." in text_of(html)) == (not quality)
    sent = {"attests_gated_whole_heart": "on", "attests_no_metal": "on"}
    answer = clinician.post(f"/series-versions/{version.id}/calcium/", sent)
    assert answer.status_code == (422 if quality else 303)
    assert CalciumReading.objects.count() == (0 if quality else 1)


def test_confirming_makes_a_score_and_a_record_with_the_mesa_pair(
    hospital: Hospital, clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    address = f"/series-versions/{version.id}/calcium/"
    response = clinician.post(address, {**verdicts_of(version), **ATTESTED})
    assert (response.status_code, response["Location"]) == (303, f"/patients/{assessed.id}/#series-{version.id}")
    jobs_run_due()
    reading = CalciumReading.objects.get()
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert reading.agatston_score > 100
    category = "A3" if reading.agatston_score >= 300 else "A2"
    said = f"Agatston score {reading.agatston_score:.0f} (CAC-DRS 2018: {category})"
    assert f"{said} , read by Clinician of north" in page
    record = Assessment.objects.get(superseded_by__isnull=True)
    risks = {item.equation: item.risk for item in record.estimates.filter(equation__startswith="mesa")}
    without, with_calcium = risks["mesa_chd"], risks["mesa_chd_cac"]
    assert without is not None
    assert with_calcium is not None
    pair = f"without calcium {without * 100:.1f} % → with calcium {with_calcium * 100:.1f} % , coronary events"
    assert pair in page
    clinician.post(address, {**verdicts_of(version, "NOT_CORONARY"), **ATTESTED, "seen_reading": "1"})
    again = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert "Agatston score 0 (CAC-DRS 2018: A0) , read by" in again
    assert f"Replaced readings: {said} by Clinician of north" in again


def test_metal_is_recorded_instead_of_a_score_and_contradicts_a_history_without_coronary_disease(
    hospital: Hospital, clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    address = f"/series-versions/{version.id}/calcium/"
    sent = {"reading": "METAL", "metal": ["CORONARY_STENT", "LEAD"], "seen_reading": "0"}
    assert [clinician.post(address, sent).status_code for _ in range(2)] == [303, 303]
    reading = CalciumReading.objects.get()
    assert (reading.metal, reading.agatston_score) == (["CORONARY_STENT", "LEAD"], None)
    jobs_run_due()
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert "Not scored: coronary stent and pacemaker or defibrillator lead seen , read by Clinician of north" in page
    record = Assessment.objects.get(superseded_by__isnull=True)
    assert set(record.estimates.filter(equation="prevent_base").values_list("reason_code", flat=True)) == {
        "CONTRADICTION"
    }
    assert clinician.post(address, {**verdicts_of(version), **ATTESTED, "seen_reading": "1"}).status_code == 303
    assert "Replaced readings: Not scored: coronary stent and" in text_of(
        clinician.get(f"/patients/{assessed.id}/").content
    )


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({**ATTESTED, "metal": ["BYPASS"]}, "Metal is ticked: a CT with a stent, bypass, valve or lead has no score."),
        ({"reading": "METAL"}, "Say what is seen"),
        ({"reading": "METAL", "metal": ["MAGNET"]}, "is not among what can be recorded"),
    ],
)
def test_a_reading_of_metal_and_score_together_or_of_nothing_is_refused(
    clinician: Client, version: SeriesVersion, sent: dict[str, list[str] | str], sentence: str
) -> None:
    response = clinician.post(f"/series-versions/{version.id}/calcium/", {**verdicts_of(version), **sent})
    assert response.status_code == 422
    assert sentence in text_of(response.content)
    ticked = {a.get("value") for _, a in tags_of(response.content) if "checked" in a and a.get("name") == "metal"}
    assert ticked == set(sent.get("metal", [])) & {"BYPASS"}
    assert CalciumReading.objects.count() == 0


def seen_in(html: bytes) -> str:
    [seen] = [a["value"] for tag, a in tags_of(html) if tag == "input" and a.get("name") == "seen_reading"]
    return seen or ""


def test_form_sent_twice_is_one_reading(clinician: Client, assessed: Patient, version: SeriesVersion) -> None:
    seen = seen_in(clinician.get(f"/patients/{assessed.id}/").content)
    assert seen == "0"
    sent = {**verdicts_of(version), **ATTESTED, "seen_reading": seen}
    address = f"/series-versions/{version.id}/calcium/"
    assert [clinician.post(address, sent).status_code for _ in range(2)] == [303, 303]
    assert CalciumReading.objects.count() == 1


@pytest.mark.parametrize("seen", [{"seen_reading": "0"}, {"seen_reading": "one"}, {}])
def test_second_reader_is_told_of_the_first_before_replacing_the_reading(
    hospital: Hospital,
    clinician: Client,
    assessed: Patient,
    version: SeriesVersion,
    signed_in: SignIn,
    seen: dict[str, str],
) -> None:
    second = user_create(
        organisation=hospital.organisation,
        username="second.reader",
        full_name="Second Reader",
        role=Role.CLINICIAN,
        password=PASSWORD,
    )
    address = f"/series-versions/{version.id}/calcium/"
    assert clinician.post(address, {**verdicts_of(version), **ATTESTED}).status_code == 303
    sent = {**verdicts_of(version, "NOT_CORONARY"), **ATTESTED}
    refused = signed_in(second).post(address, {**sent, **seen})
    assert refused.status_code == 409
    page = text_of(refused.content)
    assert "Clinician of north has read this series meanwhile (reading 1). Nothing was recorded" in page
    assert "read by Clinician of north" in page
    kept = [a["name"] for _, a in tags_of(refused.content) if "checked" in a and a.get("value") == "NOT_CORONARY"]
    assert kept == [name for name in sent if name.startswith("verdict-")]
    recorded = verdicts_of(version)  # all LAD: what the first reader said stands beside what the second one chose
    assert page.count("Reading 1: LAD") == len(recorded)
    assert CalciumReading.objects.count() == 1
    assert signed_in(second).post(address, {**sent, "seen_reading": seen_in(refused.content)}).status_code == 303
    assert CalciumReading.objects.latest("number").reader_name == "Second Reader"


@pytest.mark.parametrize(
    ("missing", "attested", "sentence"),
    [
        (1, ATTESTED, 'Candidate 1 has no verdict; every one needs an artery or "not coronary".'),
        (2, ATTESTED, 'Candidates 1 and 2 have no verdict; every one needs an artery or "not coronary".'),
        (0, {"attests_no_metal": "on"}, "Nothing was scored."),
    ],
)
def test_an_incomplete_reading_is_refused_and_every_verdict_kept(
    clinician: Client, version: SeriesVersion, missing: int, attested: dict[str, str], sentence: str
) -> None:
    sent = verdicts_of(version, "RCA", missing=missing)
    response = clinician.post(f"/series-versions/{version.id}/calcium/", {**sent, **attested})
    assert response.status_code == 422
    assert sentence.replace('"', "&quot;") in text_of(response.content)
    kept = [a["name"] for _, a in tags_of(response.content) if "checked" in a and a.get("value") == "RCA"]
    assert kept == list(sent)
    # Said at the top too, with the way to the form.
    top = response.content.decode().split('class="columns"')[0]
    assert sentence.replace('"', "&quot;") in top
    assert f'<a href="#series-{version.id}">' in top
    assert f'id="series-{version.id}"' in response.content.decode()
    assert CalciumReading.objects.count() == 0


def test_an_unknown_verdict_is_refused(clinician: Client, version: SeriesVersion) -> None:
    sent = {**verdicts_of(version, "AORTA"), **ATTESTED}
    assert clinician.post(f"/series-versions/{version.id}/calcium/", sent).status_code == 422
    assert CalciumReading.objects.count() == 0


def test_only_clinicians_of_the_hospital_read(
    hospital: Hospital, other_hospital: Hospital, assessed: Patient, version: SeriesVersion, signed_in: SignIn
) -> None:
    address, sent = f"/series-versions/{version.id}/calcium/", {**verdicts_of(version), **ATTESTED}
    for user in (hospital.administrator, hospital.auditor, other_hospital.clinician):
        assert signed_in(user).post(address, sent).status_code == 404
    assert Client().post(address, sent).status_code == 302
    assert signed_in(hospital.clinician).post(f"/series-versions/{uuid.uuid4()}/calcium/", sent).status_code == 404
    assert CalciumReading.objects.count() == 0
    seen = signed_in(hospital.administrator).get(f"/patients/{assessed.id}/").content.decode()
    assert address not in seen


def test_contrast_ct_is_not_scored_and_says_why(hospital: Hospital, clinician: Client, assessed: Patient) -> None:
    version = study_arrives(hospital, assessed, ct_kind="CORONARY_ANGIOGRAPHY").series.get().versions.get()
    html = clinician.get(f"/patients/{assessed.id}/").content
    refusal = next(item for item in version.result.refusals if item["name"] == "agatston_score")
    page = text_of(html)
    assert page.count(refusal["reason_code"]) >= 2  # beside the series, and in the MESA line
    assert f"/series-versions/{version.id}/calcium/" not in html.decode()
    sent = {"verdict-1": "LAD", **ATTESTED}
    refused = clinician.post(f"/series-versions/{version.id}/calcium/", sent)
    assert refused.status_code == 422
    assert refusal["reason_code"] in text_of(refused.content)


def test_key_image_is_served_by_its_hash_to_those_who_may_see_it(
    hospital: Hospital, other_hospital: Hospital, clinician: Client, version: SeriesVersion, signed_in: SignIn
) -> None:
    image = KeyImage.objects.filter(series_version=version).first()
    assert image is not None
    address = f"/key-images/{image.id}.png"
    response = clinician.get(address)
    assert response.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert response["ETag"] == f'"{bytes(image.png_sha256).hex()}"'
    assert response["Cache-Control"] == "private, no-cache"
    assert clinician.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert signed_in(hospital.administrator).get(address).status_code == 200
    for user in (hospital.auditor, other_hospital.clinician):
        assert signed_in(user).get(address, headers={"If-None-Match": response["ETag"]}).status_code == 404
    assert Client().get(address).status_code == 302
    assert clinician.get(f"/key-images/{uuid.uuid4()}.png").status_code == 404


def test_a_picture_opens_with_whose_it_is_and_what_was_not_looked_for(
    hospital: Hospital, clinician: Client, assessed: Patient, version: SeriesVersion
) -> None:
    page = clinician.get(f"/patients/{assessed.id}/").content
    links = {a["href"] for tag, a in tags_of(page) if tag == "a" and "/key-images/" in (a.get("href") or "")}
    assert links == {f"/key-images/{image.id}/" for image in KeyImage.objects.filter(series_version=version)}
    image = KeyImage.objects.filter(series_version=version)[0]
    opened = clinician.get(f"/key-images/{image.id}/").content
    said = text_of(opened)
    for words in (
        image.caption,
        "Synthetic-Okafor, Ada",
        assessed.identifiers.get().value,
        "Not for primary diagnosis.",
    ):
        assert words in said
    assert "Not searched for: bleeding, infarct, embolism, dissection." in said
    assert f'href="/patients/{assessed.id}/#series-{version.id}"' in opened.decode()
    entry = AuditEntry.objects.order_by("-seq")[0]
    assert (entry.action, entry.patient_id) == ("patient.viewed", assessed.id)


@pytest.mark.parametrize(
    ("offset", "said"),
    [("-0800", "4 May 2026, 09:30 (DICOM offset -0800)"), ("", "4 May 2026, 09:30 (organisation")],
)
def test_a_study_time_is_the_one_its_device_wrote(
    hospital: Hospital, clinician: Client, assessed: Patient, offset: str, said: str
) -> None:
    named = {"PatientID": assessed.identifiers.get().value, "PatientName": "Synthetic-Okafor^Ada"}
    named |= {"PatientBirthDate": "19660314", "PatientSex": "F"}
    sent = ct_part10(0, seed="t", StudyDate="20260504", StudyTime="093000", TimezoneOffsetFromUTC=offset, **named)
    assert stow(hospital, sent).status_code == 200
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert said in page
    assert "Study times are as their device wrote them, where an offset came with the study." in page


def test_a_page_with_several_studies_asks_as_many_queries_as_with_one(
    hospital: Hospital,
    clinician: Client,
    assessed: Patient,
    version: SeriesVersion,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    study_arrives(hospital, assessed, phantom_seed=6)
    with django_assert_max_num_queries(36):
        clinician.get(f"/patients/{assessed.id}/")
