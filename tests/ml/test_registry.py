"""A release folder: verified at load, altered nowhere without notice, frozen deterministically."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ml.registry
from ml.equations.catalogue import INPUT_EQUATIONS, RISK_EQUATIONS
from ml.errors import ReleaseError
from ml.registry import (
    LIBRARY_ROOT,
    RELEASES_ROOT,
    REVIEWED_SOURCES,
    freeze,
    load_release,
    load_release_folder,
    main,
    review,
)

NAME, LATEST = "equations-1.0.0", "equations-1.1.0"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the release folder; its sources stand beside it in `library`."""
    shutil.copytree(RELEASES_ROOT / NAME, tmp_path / NAME)
    for source in (*sources_of(NAME), REVIEWED_SOURCES):
        target = tmp_path / "library" / source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(LIBRARY_ROOT / source, target)
    return tmp_path / NAME


def sources_of(name: str) -> list[str]:
    return ml.registry._sources_of(RELEASES_ROOT / name, manifest_of(RELEASES_ROOT / name))


def library(folder: Path) -> Path:
    return folder.parent / "library"


def manifest_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8", newline="")


def load(folder: Path) -> ml.types.ModelRelease:
    return load_release_folder(folder, library_root=library(folder))


def test_shipped_release_loads_and_its_hash_is_of_the_canonical_manifest() -> None:
    release = load_release(NAME)
    canonical = json.dumps(manifest_of(RELEASES_ROOT / NAME), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert release.sha256 == hashlib.sha256(canonical.encode()).hexdigest()
    assert load_release(NAME) is release


def test_manifest_states_training_use_and_a_citation_for_each_equation() -> None:
    manifest = load_release(NAME).manifest
    assert manifest["training_data"] == "none: published equations"
    assert "not a diagnosis" in str(manifest["clinical_use"])
    equations = manifest["equations"]
    assert isinstance(equations, dict)
    assert set(equations) == {"prevent_base", "mesa_chd", "mesa_chd_cac", "ckd_epi_2021"}
    assert all(entry["doi"].startswith("10.") and entry["version"] for entry in equations.values())


def test_release_1_1_0_lists_the_whole_catalogue_with_citations() -> None:
    equations = load_release(LATEST).manifest["equations"]
    assert isinstance(equations, dict)
    assert set(equations) == {*RISK_EQUATIONS, *INPUT_EQUATIONS}
    for name, entry in equations.items():
        assert entry["doi"].startswith("10.") and entry["citation"] and entry["version"].isdigit()
        assert ("outcomes" in entry) == (name in RISK_EQUATIONS)


def test_every_risk_and_score_of_1_1_0_has_an_expected_number_and_every_kind_of_refusal_a_case() -> None:
    cases = json.loads((RELEASES_ROOT / LATEST / "expected.json").read_text(encoding="utf-8"))["cases"]
    estimates = [estimate for case in cases for estimate in case["estimates"]]
    assert {one["equation"] for one in estimates if "risk" in one or "score" in one} == set(RISK_EQUATIONS)
    codes = " ".join(one.get("reason_code", "") for one in estimates)
    for kind in ("MISSING_", "_BELOW_RANGE", "_ABOVE_RANGE", "_NOT_A_NUMBER", "_NOT_WHOLE", "_NOT_YES_OR_NO"):
        assert kind in codes
    for code in ("SEX_UNKNOWN", "RACE_UNKNOWN", "REGION_UNSET", "NOT_CONFIRMED"):
        assert code in codes


@pytest.mark.parametrize("name", [NAME, LATEST])
def test_every_module_that_a_released_equation_imports_is_pinned(name: str) -> None:
    pinned = set(sources_of(name))
    for source in sorted(pinned):
        # The catalogue of all equations is what a release chooses from: the manifest pins the choice itself.
        if source == "assessing.py":
            continue
        for line in (LIBRARY_ROOT / source).read_text(encoding="utf-8").splitlines():
            match = re.match(r"from (ml\.equations\.\w+) import", line)
            if match:
                assert match[1].removeprefix("ml.").replace(".", "/") + ".py" in pinned, (source, line)


def test_score_without_a_printed_risk_must_have_none(tmp_path: Path) -> None:
    folder = tmp_path / LATEST
    shutil.copytree(RELEASES_ROOT / LATEST, folder)
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    case = next(case for case in expected["cases"] if case["estimates"][0]["equation"] == "caide_1")
    case["estimates"][0]["risk"] = 0.07
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"CAIDE.*expected .*0\.07"):
        freeze(folder, library_root=LIBRARY_ROOT)


def test_case_with_a_tolerance_of_its_own_is_held_to_it(tmp_path: Path) -> None:
    folder = tmp_path / LATEST
    shutil.copytree(RELEASES_ROOT / LATEST, folder)
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    case = next(case for case in expected["cases"] if case["estimates"][0]["equation"] == "score2")
    case["estimates"][0]["risk"] += 2 * case["absolute_tolerance"]
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
    with pytest.raises(ReleaseError, match="SCORE2"):
        freeze(folder, library_root=LIBRARY_ROOT)


def test_untouched_copy_loads_with_the_same_hash(copy: Path) -> None:
    assert load(copy).sha256 == load_release(NAME).sha256


@pytest.mark.parametrize("file_name", ["expected.json", "MODEL_CARD.md"])
def test_altered_file_is_noticed_by_name(copy: Path, file_name: str) -> None:
    rewrite(copy / file_name, lambda text: text + " ")
    with pytest.raises(ReleaseError, match=file_name):
        load(copy)


@pytest.mark.parametrize("file_name", ["expected.json", "MODEL_CARD.md", "manifest.json"])
def test_missing_file_is_noticed_by_name(copy: Path, file_name: str) -> None:
    (copy / file_name).unlink()
    with pytest.raises(ReleaseError, match=file_name):
        load(copy)


def test_file_that_is_not_listed_is_noticed_by_name(copy: Path) -> None:
    (copy / "weights.safetensors").write_bytes(b"\0")
    with pytest.raises(ReleaseError, match=r"weights\.safetensors is not listed"):
        load(copy)


def test_altered_coefficient_in_the_code_is_noticed_by_name(copy: Path) -> None:
    source = library(copy) / "equations" / "prevent_base.py"
    rewrite(source, lambda text: text.replace("0.7939329", "0.7939328"))
    with pytest.raises(ReleaseError, match=r"equations/prevent_base\.py is not the code that was reviewed"):
        load(copy)


def test_every_shared_source_is_watched(copy: Path) -> None:
    for source in ml.registry.SHARED_SOURCES:
        path = library(copy) / source
        before = path.read_text(encoding="utf-8")
        path.write_text(before + "x = 1\n", encoding="utf-8")
        with pytest.raises(ReleaseError, match=source):
            load(copy)
        path.write_text(before, encoding="utf-8")
    load(copy)


def test_missing_source_is_noticed_by_name(copy: Path) -> None:
    (library(copy) / "equations" / "mesa_chd.py").unlink()
    with pytest.raises(ReleaseError, match=r"mesa_chd\.py"):
        load(copy)


def test_line_ends_and_trailing_space_of_sources_are_no_alteration(copy: Path) -> None:
    for source in sources_of(NAME):
        rewrite(library(copy) / source, lambda text: text.replace("\n", " \r\n") + "\r\n\r\n")
    rewrite(copy / "MODEL_CARD.md", lambda text: text.replace("\n", "\r\n"))
    load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1.0.1"}, "names another release: equations-1.0.1"),
        ({"files": []}, "'files' is not an object"),
        ({"equations": {"unknown_score": {}}}, "unknown_score"),
    ],
)
def test_altered_manifest_is_refused(copy: Path, change: dict[str, object], message: str) -> None:
    (copy / "manifest.json").write_text(json.dumps(manifest_of(copy) | change), encoding="utf-8")
    with pytest.raises(ReleaseError, match=message):
        load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{", "{}"])
def test_manifest_that_is_no_manifest_is_refused(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"manifest\.json"):
        load(copy)


def test_clinical_use_reworded_changes_the_release_hash(copy: Path) -> None:
    (copy / "manifest.json").write_text(json.dumps(manifest_of(copy) | {"clinical_use": "any"}), encoding="utf-8")
    assert load(copy).sha256 != load_release(NAME).sha256


def test_freeze_of_an_unchanged_release_writes_the_same_bytes(copy: Path) -> None:
    before = (copy / "manifest.json").read_bytes()
    freeze(copy, library_root=library(copy))
    assert (copy / "manifest.json").read_bytes() == before


# What a published release is called in the records of hospitals: it never changes again.
PUBLISHED = {"equations-1.0.0": "74cdd64ca442fe6b19e2513aa5c61b1e220ef83940d3835201dab79369392343"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_release_keeps_the_name_that_records_know_it_by(name: str) -> None:
    assert load_release(name).sha256 == PUBLISHED[name]


def test_reviewed_code_is_loadable_under_the_same_release_and_has_another_name_of_its_own(copy: Path) -> None:
    rewrite(library(copy) / "equations" / "prevent_base.py", lambda text: text + "\n# Reworded.\n")
    review(releases_root=copy.parent, library_root=library(copy))
    assert load(copy).sha256 == load_release(NAME).sha256
    assert load(copy).code_sha256 != load_release(NAME).code_sha256


def test_freeze_makes_a_reviewed_change_loadable(copy: Path) -> None:
    rewrite(copy / "MODEL_CARD.md", lambda text: text + "\nReviewed.\n")
    freeze(copy, library_root=library(copy))
    assert load(copy).sha256 != load_release(NAME).sha256


@pytest.mark.parametrize(("right", "wrong"), [("0.146839391", "0.146839491"), ("NOT_CONFIRMED", "NOT_SCORED")])
def test_expected_result_that_is_not_reproduced_is_refused_even_when_frozen(copy: Path, right: str, wrong: str) -> None:
    rewrite(copy / "expected.json", lambda text: text.replace(right, wrong))
    with pytest.raises(ReleaseError, match=r"expected\.json, case"):
        freeze(copy, library_root=library(copy))


@pytest.mark.parametrize("name", ["equations-9.9.9", "../equations-1.0.0", "", "equations"])
def test_unknown_release_is_refused_and_the_known_ones_named(name: str) -> None:
    with pytest.raises(ReleaseError, match=r"known: .*equations-1\.0\.0"):
        load_release(name)


def test_command_verifies_and_prints_the_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", NAME]) == 0
    assert capsys.readouterr().out == f"{NAME} {load_release(NAME).sha256}\n"


def test_command_with_an_unknown_release_exits_1_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["freeze", "nothing-1.0.0"]) == 1
    assert "nothing-1.0.0" in capsys.readouterr().err
