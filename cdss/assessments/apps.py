from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    name = "cdss.assessments"
    label = "assessments"
