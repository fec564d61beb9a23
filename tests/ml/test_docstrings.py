"""Every doctest of `ml` runs, and every public function of `ml` says what goes in, what comes out, and shows it.

What is compared is that the sections are there, that Parameters names every parameter, and that the examples give what
they say. Whether units, shapes and citations are right is for a reader; so are classes and methods. The examples of
`ml.synthetic.head` and `ml.synthetic.mr` need the `demo` extra, which `make setup` installs: nothing is skipped.
"""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import FunctionType

import pytest

import ml

MODULES = sorted(["ml", *(found.name for found in pkgutil.walk_packages(ml.__path__, "ml."))])

# What is public is what another module may use. These are not doors of the library, each for its reason.
EXEMPT = {
    "__main__": "a command line: its door is the arguments, which --help describes",
    "ml.equations.reference_cases": "one comparison a file of cases; its door is `files`",
    "ml.synthetic": "how the phantoms are made; its doors are below",
    "ml.registry": "rewritten on another branch while this was written; take it off the list when both are in",
}
# The doors of what is exempt: modules, and single functions of a module.
DOORS = {
    "ml.equations.reference_cases.files",
    "ml.synthetic.cohort",
    "ml.synthetic.studies",
    "ml.synthetic.dicom_writer.series_part10",
    "ml.synthetic.dicom_writer.series_write",
}
EXTRAS = ("deepbet", "nibabel", "nilearn")  # of `brain` and `demo`


def is_exempt(module: str, name: str) -> bool:
    if module in DOORS or f"{module}.{name}" in DOORS:
        return False
    return module.endswith(".__main__") or any(module == one or module.startswith(f"{one}.") for one in EXEMPT)


def public_functions() -> Iterator[tuple[str, Callable[..., object]]]:
    """Functions without a leading underscore, each with the module that defines it."""
    for module in MODULES:
        for name, found in vars(importlib.import_module(module)).items():
            function = inspect.unwrap(found) if callable(found) else found  # functools.cache wraps
            if not isinstance(function, FunctionType) or function.__module__ != module or name.startswith("_"):
                continue
            if function.__name__ != "<lambda>" and not is_exempt(module, name):
                yield f"{module}.{name}", function


def sections(docstring: str) -> dict[str, str]:
    """The numpydoc sections of a docstring, by title."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def missing(function: Callable[..., object]) -> list[str]:
    """What the docstring of a function lacks."""
    found = sections(inspect.getdoc(function) or "")
    named = {
        name.strip().lstrip("*")
        for line in found.get("Parameters", "").splitlines()
        if not line.startswith(" ")
        for name in line.split(" : ")[0].split(",")
    }
    lacks = [f"parameter {name}" for name in inspect.signature(function).parameters if name not in named]
    if "Returns" not in found and "Yields" not in found:
        lacks.append("Returns")
    if ">>> " not in found.get("Examples", ""):
        lacks.append("Examples")
    return lacks


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize(("name", "function"), [pytest.param(*one, id=one[0]) for one in public_functions()])
def test_public_function_documents_parameters_returns_and_examples(name: str, function: Callable[..., object]) -> None:
    assert missing(function) == [], name


def test_what_a_docstring_lacks_is_named() -> None:
    def undocumented(first: int, *, second: int) -> int:
        return first + second

    def documented(first: int) -> Iterator[int]:
        """Count.

        Parameters
        ----------
        first : int

        Yields
        ------
        int

        Examples
        --------
        >>> documented(1)
        """
        yield first

    assert missing(undocumented) == ["parameter first", "parameter second", "Returns", "Examples"]
    assert missing(documented) == []


def test_public_functions_are_found_cached_ones_and_doors_too() -> None:
    found = {name for name, _ in public_functions()}
    assert {
        "ml.reading.read_series",
        "ml.equations.equation.comparison_of",
        "ml.synthetic.studies.study_series",
    } <= found
    assert not {name for name in found if name.startswith(("ml.synthetic.ct.", "ml.registry.", "ml.__main__."))}


def test_every_exemption_and_every_door_exists() -> None:
    for name in EXEMPT.keys() - {"__main__"}:
        assert name in MODULES
    for door in DOORS:
        module, _, function = door.rpartition(".")
        assert door in MODULES or hasattr(importlib.import_module(module), function), door


def test_no_module_imports_an_optional_extra_when_it_is_imported() -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}: importlib.import_module(name)\n"
        f"print(sorted(set({EXTRAS!r}) & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
