"""The code systems that senders name."""

from __future__ import annotations

LOINC = "http://loinc.org"
SNOMED_CT = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
# Questions that hospitals do not send in a standard form; answered on the patient page.
LOCAL_QUESTION = "https://cdss.example/question"
