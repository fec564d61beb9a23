"""What the documentation names exists: links, make targets, management commands, modules, variables, reason codes.

Not covered: whether its sentences are true. Links to other sites are not followed: tests use no network.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SETTING = re.compile(r"""\benv_(?:text|bool|int|list|choice)\(\s*"([A-Z_]+)\"""")
_EXAMPLE = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=", re.MULTILINE)
_REASON = re.compile(r"""\bcode(?:: str)? ?= ?"([A-Z_]+)\"""")


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)}


def broken_links(document: Path) -> list[str]:
    broken = []
    for link in _LINK.findall(_CODE.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


def named(pattern: str, text: str) -> set[str]:
    """What a pattern finds in a document's code, inline or in blocks; prose is prose."""
    return {match for code in _CODE.findall(text) for match in re.findall(pattern, code)}


def sources(*folders: str) -> str:
    return "\n".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    assert broken_links(ROOT / name) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "# Here it is\n[a](gone.md) [b](#here-it-is) [c](#elsewhere) [d](https://example.org) `[e](x.md)`"
    )

    assert broken_links(document) == ["gone.md", "#elsewhere"]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert named(r"\bmake ([a-z][a-z-]*)", text) <= targets
    assert named(r"\bmanage(?:\.py)? ([a-z][a-z_]+)", text) <= set(get_commands())
    assert {module for module in named(r"python -m ([a-z_.]*[a-z_])", text) if find_spec(module) is None} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_the_project_named_in_code_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    made_later = ("docker/secrets",)
    paths = named(r"(?<![\w/.-])(?:cdss|imaging|patients|ml|tests|docker|static)/[\w/.-]*\w", text)

    assert {path for path in paths if not path.startswith(made_later) and not (ROOT / path).exists()} == set()


def test_the_documents_name_commands_at_all() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)

    assert {"demo", "test", "check", "setup"} <= named(r"\bmake ([a-z][a-z-]*)", everything)
    assert {"verify_audit_log", "check_invariants", "migrate"} <= named(r"\bmanage(?:\.py)? ([a-z_]+)", everything)


def test_every_variable_the_settings_read_is_in_the_example() -> None:
    read = set(_SETTING.findall(sources("cdss/settings", "cdss/accounts")))

    assert "DATABASE_URL" in read and "SECRET_KEY" in read
    assert read <= set(_EXAMPLE.findall((ROOT / ".env.example").read_text()))


def test_every_variable_of_the_example_is_read_somewhere() -> None:
    listed = _EXAMPLE.findall((ROOT / ".env.example").read_text())
    code = sources("cdss") + (ROOT / "docker" / "entrypoint.sh").read_text()

    assert len(listed) == len(set(listed))
    assert [name for name in listed if not re.search(rf"""["{{]{name}["}}:]""", code)] == []


def test_the_reason_codes_of_the_door_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "reference" / "rest.md").read_text(encoding="utf-8")
    paragraph = text.split("Codes at the door:", 1)[1].split("\n\n", 1)[0]
    listed = set(re.findall(r"`([A-Z_]+)`", paragraph))
    door = [ROOT / "imaging" / name for name in ("dicom.py", "storage.py", "services/ingest.py", "dicomweb/parsers.py")]
    raised = {code for path in door for code in _REASON.findall(path.read_text())}
    whole_request = {"MEDIA_TYPE", "MULTIPART"}  # answered as a problem, before any object is looked at

    assert raised - whole_request <= listed
    assert [code for code in listed if f'"{code}"' not in sources("imaging", "patients", "ml/preprocessing")] == []
