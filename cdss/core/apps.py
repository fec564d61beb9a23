from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "cdss.core"
    label = "core"
