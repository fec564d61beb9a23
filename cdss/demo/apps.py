from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "cdss.demo"
    label = "demo"
