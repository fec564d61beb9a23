from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "cdss.dashboard"
    label = "dashboard"
