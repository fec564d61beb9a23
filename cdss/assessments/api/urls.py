from typing import NoReturn

from django.http import HttpRequest
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from cdss.assessments.api.jobs import JobView, ReassessView
from cdss.assessments.api.policy import PolicyView
from cdss.assessments.api.views import AcknowledgeView, AssessmentsView, AssessmentView, OverrideView
from cdss.core.errors import NotFoundError


@csrf_exempt
def no_such_path(request: HttpRequest) -> NoReturn:
    """A machine that mistypes an address gets a problem, not a page."""
    raise NotFoundError


urlpatterns: list[URLPattern] = [
    path("assessments", AssessmentsView.as_view(), name="api-assessments"),
    path("assessments/<uuid:assessment_id>", AssessmentView.as_view(), name="api-assessment"),
    path("assessments/<uuid:assessment_id>/acknowledge", AcknowledgeView.as_view(), name="api-acknowledge"),
    path("assessments/<uuid:assessment_id>/override", OverrideView.as_view(), name="api-override"),
    path("patients/<uuid:patient_id>/reassess", ReassessView.as_view(), name="api-reassess"),
    path("policy", PolicyView.as_view(), name="api-policy"),
    path("jobs/<uuid:job_id>", JobView.as_view(), name="api-job"),
    re_path("", no_such_path),  # this file is the last one included under api/v1/
]
