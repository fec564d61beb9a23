"""What this release computes, from which papers, and where it stops."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from cdss.accounts.actors import Actor
from cdss.accounts.pages import page
from cdss.assessments.inference import equation_ranges, release_label, release_manifest
from cdss.assessments.policy.table import VERSION as POLICY_VERSION
from cdss.core.version import CODE_VERSION
from cdss.dashboard.words import outcome_words


@page()
def about(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    label, sha256 = release_label(settings.MODEL_RELEASE)
    manifest = release_manifest(settings.MODEL_RELEASE)
    equations = [
        {
            **described,
            "ranges": equation_ranges(name),
            "title": _title(described),
            "outcome_titles": [outcome_words(outcome).title for outcome in described.get("outcomes", [])],
            "horizons": [years for years in described.get("horizons_years", []) if years],
        }
        for name, described in sorted(manifest["equations"].items())
    ]
    context = {
        "label": label,
        "sha256": sha256,
        "equations": equations,
        "clinical_use": manifest["clinical_use"],
        "training_data": manifest["training_data"],
        "policy_version": POLICY_VERSION,
        "code_version": CODE_VERSION,
    }
    return render(request, "dashboard/about.html", context)


def _title(described: dict[str, Any]) -> str:
    label, version = described["label"], described["version"]
    return str(label) if version in label else f"{label} {version}"
