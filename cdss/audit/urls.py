from django.urls import URLPattern, path

from cdss.audit import views

urlpatterns: list[URLPattern] = [
    path("", views.audit_log, name="audit-log"),
    path("verify/", views.audit_verify, name="audit-verify"),
]
