"""What is shown to those alone who may see genetic data: by its code, or by a value that can be nothing else."""

from __future__ import annotations

from patients.terminology.questions import QUESTIONS
from patients.terminology.systems import LOINC

_LABORATORY = (
    "21619-2",  # APOE gene mutations found in blood or tissue
    "56904-6",  # the same in blood, deprecated
    "42315-2",  # APOE gene alleles e2, e3 and e4
    "34731-0",  # APOE gene allele 1
    "34732-8",  # APOE gene allele 2
    "34438-2",  # APOE genotype
    "15353-6",  # apolipoprotein E4, presence
    # Of whatever gene: the value names it.
    "84413-4",  # genotype display name
    "84414-2",  # haplotype name
)
GENETIC_FEATURES = frozenset(question.feature for question in QUESTIONS if question.is_genetic)
GENETIC_CODES = frozenset(
    {(LOINC, code) for code in _LABORATORY}
    | {(question.code_system, question.code) for question in QUESTIONS if question.is_genetic}
)
# An APOE genotype under a code of the laboratory's own, read without regard to case: e3/e4, E3E4, APOE ε4/ε4, apo-E4.
GENETIC_VALUE = r"^\W*(apo\W*e?\W*)?[eε][234]\W*[eε][234]\W*$|^\W*apo\W*[eε]\W*[234]\W*$"
