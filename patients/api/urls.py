from django.urls import URLPattern, path

from patients.api.clinical_rows import ConditionsView, MedicationStatementsView, ObservationsView
from patients.api.views import PatientsView, PatientView

urlpatterns: list[URLPattern] = [
    path("patients", PatientsView.as_view(), name="api-patients"),
    path("patients/<uuid:patient_id>", PatientView.as_view(), name="api-patient"),
    path("patients/<uuid:patient_id>/observations", ObservationsView.as_view(), name="api-observations"),
    path("patients/<uuid:patient_id>/conditions", ConditionsView.as_view(), name="api-conditions"),
    path(
        "patients/<uuid:patient_id>/medication-statements",
        MedicationStatementsView.as_view(),
        name="api-medication-statements",
    ),
]
