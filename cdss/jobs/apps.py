from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "cdss.jobs"
    label = "jobs"

    def ready(self) -> None:
        # Each app registers the handlers of its steps in its own jobs.py.
        autodiscover_modules("jobs")
