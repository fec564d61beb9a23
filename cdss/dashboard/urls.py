from django.urls import URLPattern, path

from cdss.dashboard.views import about, images, patient, policy, quarantine, review, session, worklist

urlpatterns: list[URLPattern] = [
    path("", worklist.worklist, name="worklist"),
    path("worklist/changes/", worklist.worklist_changes, name="worklist-changes"),
    path("sign-in/", session.sign_in, name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("patients/", worklist.patients, name="patients"),
    path("patients/<uuid:patient_id>/", patient.patient, name="patient"),
    path("patients/<uuid:patient_id>/work/", patient.patient_work, name="patient-work"),
    path("patients/<uuid:patient_id>/answers/", patient.answers, name="answers"),
    path("assessments/<uuid:assessment_id>/", patient.assessment, name="assessment"),
    path("assessments/<uuid:assessment_id>/review/", review.review, name="review"),
    path("series-versions/<uuid:series_version_id>/calcium/", review.calcium, name="calcium-confirm"),
    path("key-images/<uuid:key_image_id>/", images.key_image_page, name="key-image-page"),
    path("key-images/<uuid:key_image_id>.png", images.key_image, name="key-image"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/<uuid:quarantine_id>/", quarantine.quarantine_decide, name="quarantine-decide"),
    path("policy/", policy.policy, name="policy"),
    path("policy/edit/", policy.policy_edit, name="policy-edit"),
    path("policy/trials/<uuid:trial_id>/", policy.policy_trial, name="policy-trial"),
    path("policy/trials/<uuid:trial_id>/work/", policy.policy_trial_work, name="policy-trial-work"),
    path("policy/trials/<uuid:trial_id>/adopt/", policy.policy_trial_adopt, name="policy-trial-adopt"),
    path("about/", about.about, name="about-release"),
]
