"""Released models: a folder whose every file is pinned by its SHA-256, and the code that computes it, reviewed.

A release's own SHA-256 names what was released and never changes again. The code around it may be rewritten without a
number moving: the source of every equation is pinned apart from the releases, in `releases/reviewed_sources.json`.
`python -m ml.registry freeze NAME` writes the manifest of a release that is not yet published, and
`python -m ml.registry review` the pins after a reviewed change of the code; loading refuses anything else.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ml.assessing import assess
from ml.equations.catalogue import INPUT_EQUATIONS, RISK_EQUATIONS
from ml.equations.equation import AssessedEquation, PublishedEquation
from ml.errors import ReleaseError
from ml.types import AssessmentInputs, EquationRequest, Estimate, ModelRelease

LIBRARY_ROOT = Path(__file__).resolve().parent
RELEASES_ROOT = LIBRARY_ROOT / "releases"
MANIFEST = "manifest.json"
EXPECTED = "expected.json"
REVIEWED_SOURCES = "releases/reviewed_sources.json"

# What every equation shares; the module of each released equation comes on top.
SHARED_SOURCES = (
    "assessing.py",
    "equations/cholesterol.py",
    "equations/equation.py",
    "equations/inputs.py",
    "equations/points.py",
    "equations/prevent_terms.py",
    "equations/score_inputs.py",
    "equations/vocabulary.py",
)

Manifest = dict[str, Any]


@functools.cache
def load_release(name: str) -> ModelRelease:
    """The release `name`, verified: its files, the equations' source, and its own expected results.

    Parameters
    ----------
    name
        "<name>-<version>", the folder's name.

    Raises
    ------
    ReleaseError
        No such release; a file is missing, altered or not listed; the code of an equation differs from the reviewed
        one; or the release does not reproduce its expected.json. The file is named.

    Examples
    --------
    >>> load_release("equations-1.0.0").label
    'equations-1.0.0'
    """
    if not re.fullmatch(r"[a-z0-9_]+-\d+\.\d+\.\d+", name) or not (RELEASES_ROOT / name).is_dir():
        known = ", ".join(sorted(path.parent.name for path in RELEASES_ROOT.glob(f"*/{MANIFEST}")))
        raise ReleaseError(f"there is no release {name!r}; known: {known}")
    return load_release_folder(RELEASES_ROOT / name, library_root=LIBRARY_ROOT)


def load_release_folder(folder: Path, *, library_root: Path) -> ModelRelease:
    """As `load_release`, for a folder anywhere whose equations' source stands under `library_root`."""
    manifest = _json_read(folder / MANIFEST)
    _structure_check(folder, manifest)
    for file_name, sha256 in manifest["files"].items():
        if _file_sha256(folder / file_name) != sha256:
            raise ReleaseError(f"{folder.name}/{file_name} was altered: its SHA-256 is not the one in {MANIFEST}")
    release = ModelRelease(
        name=manifest["name"],
        version=manifest["version"],
        sha256=hashlib.sha256(_canonical(manifest)).hexdigest(),
        code_sha256=_reviewed_code_sha256(_sources_of(folder, manifest), library_root),
        manifest=MappingProxyType(manifest),
    )
    _expected_check(release, folder / EXPECTED)
    return release


def freeze(folder: Path, *, library_root: Path) -> None:
    """Rewrite the parts of the manifest that follow from files and code; everything else in it is kept.

    Deterministic: without a change it writes the same bytes. Then loads the release, so that a manifest that does not
    reproduce its expected results is reported at once.
    """
    manifest = _json_read(folder / MANIFEST)
    manifest["equations"] = {name: _description(_equation(folder, name)) for name in sorted(manifest["equations"])}
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    manifest["files"] = {name: _file_sha256(folder / name) for name in names}
    _json_write(folder / MANIFEST, manifest)
    load_release_folder(folder, library_root=library_root)


def review(*, releases_root: Path, library_root: Path) -> None:
    """Pin the code as it stands, then load every release, so that a number that moved is reported at once."""
    folders = sorted(path.parent for path in releases_root.glob(f"*/{MANIFEST}"))
    sources = {name for folder in folders for name in _sources_of(folder, _json_read(folder / MANIFEST))}
    _json_write(library_root / REVIEWED_SOURCES, {name: _source_sha256(library_root / name) for name in sources})
    for folder in folders:
        load_release_folder(folder, library_root=library_root)


def _reviewed_code_sha256(sources: Sequence[str], library_root: Path) -> str:
    """One SHA-256 over the code of a release's equations, each file of which must be as it was reviewed."""
    reviewed = _json_read(library_root / REVIEWED_SOURCES)
    for source in sources:
        if _source_sha256(library_root / source) != reviewed.get(source):
            raise ReleaseError(
                f"{source} is not the code that was reviewed; review the change, make a new release if a number moves, "
                "then run `python -m ml.registry review`"
            )
    return hashlib.sha256(_canonical({source: reviewed[source] for source in sources})).hexdigest()


def _structure_check(folder: Path, manifest: Manifest) -> None:
    needed = {"name", "version", "training_data", "clinical_use", "equations", "files"}
    if missing := sorted(needed - manifest.keys()):
        raise ReleaseError(f"{folder.name}/{MANIFEST} lacks {', '.join(missing)}")
    for part in ("equations", "files"):
        if not isinstance(manifest[part], dict):
            raise ReleaseError(f"{folder.name}/{MANIFEST}: {part!r} is not an object")
    if f"{manifest['name']}-{manifest['version']}" != folder.name:
        raise ReleaseError(f"{folder.name}/{MANIFEST} names another release: {manifest['name']}-{manifest['version']}")
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    for name in sorted(present ^ manifest["files"].keys()):
        state = "is not listed in" if name in present else "is missing but listed in"
        raise ReleaseError(f"{folder.name}/{name} {state} {MANIFEST}")
    for name in sorted({EXPECTED, "MODEL_CARD.md"} - manifest["files"].keys()):
        raise ReleaseError(f"{folder.name}/{name} is missing: every release has one")


def _equation(folder: Path, name: str) -> PublishedEquation:
    found = RISK_EQUATIONS.get(name) or INPUT_EQUATIONS.get(name)
    if found is None:
        raise ReleaseError(f"{folder.name}/{MANIFEST} lists {name!r}, an equation that this code does not have")
    return found


def _sources_of(folder: Path, manifest: Manifest) -> list[str]:
    modules = {_equation(folder, name).module for name in manifest["equations"]}
    return sorted({*SHARED_SOURCES, *(module.removeprefix("ml.").replace(".", "/") + ".py" for module in modules)})


def _description(equation: PublishedEquation) -> dict[str, object]:
    described: dict[str, object] = {
        "version": equation.version,
        "label": equation.label,
        "citation": equation.citation,
        "doi": equation.doi,
    }
    if isinstance(equation, AssessedEquation):
        described |= {"outcomes": list(equation.outcomes), "horizons_years": sorted(equation.rules)}
    return described


def _json_read(path: Path) -> Manifest:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path.parent.name}/{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ReleaseError(f"{path.parent.name}/{path.name} is not a JSON object")
    return content


def _json_write(path: Path, content: Manifest) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _canonical(manifest: Manifest) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _file_sha256(path: Path) -> str:
    """Of text as UTF-8 with LF, so that a checkout with CRLF is not an alteration; weights as they are."""
    content = path.read_bytes()
    if path.suffix in {".json", ".md"}:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()


def _source_sha256(path: Path) -> str:
    """Of the source with LF, without trailing white space and trailing blank lines."""
    try:
        lines = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path.name}, the source of a released equation, cannot be read: {error}") from error
    return hashlib.sha256("\n".join(lines).rstrip("\n").encode()).hexdigest()


def _expected_check(release: ModelRelease, path: Path) -> None:
    expected = _json_read(path)
    for case in expected["cases"]:
        requests = tuple(
            EquationRequest(wanted["equation"], wanted["outcome"], wanted["horizon_years"])
            for wanted in case["estimates"]
        )
        result = assess(release, AssessmentInputs(requests=requests, **case["inputs"]))
        # A case whose source prints fewer digits states its own tolerance.
        absolute_tolerance = case.get("absolute_tolerance", expected["absolute_tolerance"])
        for wanted, estimate in zip(case["estimates"], result.estimates, strict=True):
            if not _is_as_expected(wanted, estimate, absolute_tolerance):
                raise ReleaseError(
                    f"{release.label}/{path.name}, case {case['name']!r}: expected {wanted}, "
                    f"got {_shown(estimate)} from {estimate.equation}"
                )


def _is_as_expected(wanted: Mapping[str, Any], estimate: Estimate, absolute_tolerance: float) -> bool:
    """A number that is not wanted must not be there: points without a printed table give no risk."""
    for name, found in (("risk", estimate.risk), ("score", estimate.score)):
        if (found is None) != (name not in wanted):
            return False
        if found is not None and not abs(found - wanted[name]) <= absolute_tolerance:
            return False
    return (estimate.reason_code, estimate.field) == (wanted.get("reason_code"), wanted.get("field"))


def _shown(estimate: Estimate) -> dict[str, object]:
    values = dataclasses.asdict(estimate)
    return {name: values[name] for name in ("risk", "score", "reason_code", "field") if values[name] is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m ml.registry verify NAME`, `freeze NAME` or `review`."""
    parser = argparse.ArgumentParser(prog="python -m ml.registry", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("verify", "freeze"):
        commands.add_parser(command).add_argument("name", help="a folder of ml/releases, as equations-1.0.0")
    commands.add_parser("review")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "review":
            review(releases_root=RELEASES_ROOT, library_root=LIBRARY_ROOT)
            return 0
        if chosen.command == "freeze":
            freeze(RELEASES_ROOT / chosen.name, library_root=LIBRARY_ROOT)
        release = load_release(chosen.name)
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{release.label} {release.sha256}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
