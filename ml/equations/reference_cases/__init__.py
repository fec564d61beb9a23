"""Reference cases of independent implementations, `<equation>.csv`, compared column by column with this project.

A row holds inputs in the units of its column names and the outputs expected; a blank output is no expectation,
except in prevent_range_handling.csv, where it is a refusal. Tolerances stand in ml/equations/tolerances.csv.
"""

from ml.equations.reference_cases.files import FileResult, reference_case_files, reference_cases_compare

__all__ = ["FileResult", "reference_case_files", "reference_cases_compare"]
