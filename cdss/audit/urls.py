from django.urls import URLPattern, path

from cdss.audit import views

urlpatterns: list[URLPattern] = [
    path("verify/", views.audit_verify, name="audit-verify"),
]
