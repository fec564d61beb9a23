"""The only place where URL prefixes are chosen."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from cdss.audit.views import audit_log
from patients.selectors import AuditedPatients

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("cdss.core.urls")),
    path("", include("cdss.dashboard.urls")),
    # The log knows no patient: what an identifier stands for is handed to it here, above both.
    path("audit/", audit_log, {"patients": AuditedPatients()}, name="audit-log"),
    path("audit/", include("cdss.audit.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include("patients.api.urls")),
    path("api/v1/", include("imaging.api.urls")),
    path("api/v1/", include("cdss.assessments.api.urls")),
    path("dicom-web/", include("imaging.dicomweb.urls")),
]

handler400 = "cdss.core.error_pages.bad_request"
handler403 = "cdss.core.error_pages.permission_denied"
handler404 = "cdss.core.error_pages.page_not_found"
handler500 = "cdss.core.error_pages.server_error"
