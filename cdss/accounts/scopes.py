"""What may be done, and which role may do it. The same words guard pages, REST and DICOMweb."""

from __future__ import annotations

from cdss.accounts.models import Role

PATIENTS_READ = "patients.read"
PATIENTS_WRITE = "patients.write"
STUDIES_READ = "studies.read"
STUDIES_WRITE = "studies.write"
ASSESSMENTS_READ = "assessments.read"
ASSESSMENTS_REVIEW = "assessments.review"
QUARANTINE_RESOLVE = "quarantine.resolve"
AUDIT_READ = "audit.read"

ALL = frozenset(
    {
        PATIENTS_READ,
        PATIENTS_WRITE,
        STUDIES_READ,
        STUDIES_WRITE,
        ASSESSMENTS_READ,
        ASSESSMENTS_REVIEW,
        QUARANTINE_RESOLVE,
        AUDIT_READ,
    }
)
OF_ROLE = {
    Role.CLINICIAN: frozenset({PATIENTS_READ, PATIENTS_WRITE, STUDIES_READ, ASSESSMENTS_READ, ASSESSMENTS_REVIEW}),
    Role.AUDITOR: frozenset({AUDIT_READ}),
    Role.ADMINISTRATOR: frozenset({PATIENTS_READ, STUDIES_READ, ASSESSMENTS_READ, QUARANTINE_RESOLVE}),
}
# A machine never reviews a risk: acknowledging and overriding is a clinician's act.
OF_INTEGRATION = frozenset({PATIENTS_READ, PATIENTS_WRITE, STUDIES_READ, STUDIES_WRITE, ASSESSMENTS_READ})
