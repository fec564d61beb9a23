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
POLICY_READ = "policy.read"
POLICY_WRITE = "policy.write"
# Of no role: a person's own flag, or a scope of an API client.
GENETICS_READ = "genetics.read"

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
        POLICY_READ,
        POLICY_WRITE,
        GENETICS_READ,
    }
)
OF_ROLE = {
    Role.CLINICIAN: frozenset(
        {PATIENTS_READ, PATIENTS_WRITE, STUDIES_READ, ASSESSMENTS_READ, ASSESSMENTS_REVIEW, POLICY_READ}
    ),
    Role.AUDITOR: frozenset({AUDIT_READ, POLICY_READ}),
    Role.ADMINISTRATOR: frozenset(
        {PATIENTS_READ, STUDIES_READ, ASSESSMENTS_READ, QUARANTINE_RESOLVE, POLICY_READ, POLICY_WRITE}
    ),
}
# A machine never reviews a risk nor changes the policy: those are people's acts.
OF_INTEGRATION = frozenset({PATIENTS_READ, PATIENTS_WRITE, STUDIES_READ, STUDIES_WRITE, ASSESSMENTS_READ, POLICY_READ})
GRANTABLE_TO_INTEGRATION = OF_INTEGRATION | {GENETICS_READ}  # genetics only where it is asked for by name
