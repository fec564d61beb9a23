from django.urls import URLPattern, path, register_converter

from imaging.api.converters import UidConverter
from imaging.api.views import (
    CalciumReadingView,
    MeasurementsView,
    MetalReadingView,
    SeriesRerunView,
    SeriesView,
    StudiesView,
    StudyCloseView,
    StudyView,
)

register_converter(UidConverter, "uid")

urlpatterns: list[URLPattern] = [
    path("studies", StudiesView.as_view(), name="api-studies"),
    path("studies/<uid:study_instance_uid>", StudyView.as_view(), name="api-study"),
    path("studies/<uid:study_instance_uid>/close", StudyCloseView.as_view(), name="api-study-close"),
    path("series/<uid:series_instance_uid>", SeriesView.as_view(), name="api-series"),
    path("series/<uid:series_instance_uid>/calcium-reading", CalciumReadingView.as_view(), name="api-calcium-reading"),
    path("series/<uid:series_instance_uid>/metal-reading", MetalReadingView.as_view(), name="api-metal-reading"),
    path("series/<uid:series_instance_uid>/rerun", SeriesRerunView.as_view(), name="api-series-rerun"),
    path("measurements", MeasurementsView.as_view(), name="api-measurements"),
]
