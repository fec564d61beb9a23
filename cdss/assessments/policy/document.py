"""A policy as a document: canonical JSON that is hashed, kept and shown, and read back with every binding part checked.

An organisation may change a row's role, narrow its ages, set the SCORE2 region, word the sentences, and show or hide a
guideline's words. Stops, codes, questions and what an equation needs are binding: a document without one is refused.

What an organisation adopted under another default is not refused: its own choices are carried over onto this one.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard, TypeVar

from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.table import (
    EQUATIONS,
    OFF,
    ROLES,
    SCORE2_REGIONS,
    Ages,
    Category,
    Note,
    Policy,
    Question,
    Row,
    Stop,
)
from cdss.audit.canonical import canonical_json
from cdss.core.errors import DomainError

MOST_CHARACTERS = 600  # of a sentence
MOST_DOCUMENT_CHARACTERS = 1_000_000
PARTS = ("version", "score2_region", "stops", "questions", "notes", "rows", "categories")
API_ONLY = ("libra", "centiloid")  # partly verified, or never a number: not for the page
MOST_NAME = 200
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")  # half a character, which JSON can spell

Item = TypeVar("Item", Stop, Question, Note, Row, Category)


class PolicyDocumentError(DomainError):
    """A document that is not a policy; `field` says where."""

    status = 422
    code = "POLICY_INVALID"


def policy_document(policy: Policy) -> str:
    """The canonical text whose SHA-256 names the policy."""
    return canonical_json(policy_body(policy))


def policy_body(policy: Policy) -> dict[str, Any]:
    """The document as JSON values; each row carries its key, by which changes name it."""
    body = dataclasses.asdict(policy)
    body["rows"] = [{"key": row.key, **dataclasses.asdict(row)} for row in policy.rows]
    parsed: dict[str, Any] = json.loads(json.dumps(body))  # tuples as lists
    return parsed


def policy_sha256(policy: Policy) -> str:
    return hashlib.sha256(policy_document(policy).encode()).hexdigest()


@functools.lru_cache(maxsize=64)
def policy_read(document: str) -> Policy:
    """The policy of a document, or PolicyDocumentError naming the field that is wrong."""
    body = _parsed(document)
    if sorted(body) != sorted(PARTS):
        raise PolicyDocumentError(f"A policy has exactly the parts {', '.join(PARTS)}.", field="document")
    if body["version"] != DEFAULT_POLICY.version:
        sentence = (
            f"The document is of table {_short(body['version'])}; this release applies {DEFAULT_POLICY.version!r}."
        )
        raise PolicyDocumentError(sentence, code="POLICY_OUTDATED", field="version")
    return Policy(
        version=DEFAULT_POLICY.version,
        score2_region=_score2_region(body["score2_region"]),
        stops=_items("stops", body["stops"], DEFAULT_POLICY.stops, lambda stop: stop.code, _worded),
        questions=_items("questions", body["questions"], DEFAULT_POLICY.questions, lambda item: item.fact, _worded),
        notes=_items("notes", body["notes"], DEFAULT_POLICY.notes, lambda note: note.code, _worded),
        rows=_items("rows", body["rows"], DEFAULT_POLICY.rows, lambda row: row.key, _row),
        categories=_items(
            "categories", body["categories"], DEFAULT_POLICY.categories, lambda category: category.key, _category
        ),
    )


def policy_carried_over(document: str) -> Policy:
    """What an organisation adopted under another default, on the present one: choices that are still possible stay.

    Choices are the roles, ages and sentences of what both documents have, the region, and which words are shown. Which
    of them differed from the default of that time is not known, so all of them count. Ages are cut to the equation's
    own; where none is left, the row is not asked for. Everything else is the present default.
    """
    body = _parsed(document)
    default = DEFAULT_POLICY
    region = body.get("score2_region")
    return Policy(
        version=default.version,
        score2_region=region if region in SCORE2_REGIONS else None,
        stops=_carried("stops", body, default.stops, _worded, ("sentence",)),
        questions=_carried("questions", body, default.questions, _worded, ("sentence",)),
        notes=_carried("notes", body, default.notes, _worded, ("sentence",)),
        rows=_carried("rows", body, default.rows, _row, ("role", "ages")),
        categories=_carried("categories", body, default.categories, _category, ("is_shown",)),
    )


@functools.lru_cache(maxsize=64)
def policy_applied(document: str) -> tuple[Policy, str, bool]:
    """What an adopted document means now, its SHA-256, and whether it was carried over to be read at all.

    Only what is not JSON of ours is refused.
    """
    try:
        policy, is_carried_over = policy_read(document), False
    except PolicyDocumentError:
        policy, is_carried_over = policy_carried_over(document), True
    return policy, policy_sha256(policy), is_carried_over


def _carried(
    part: str,
    body: Mapping[str, Any],
    defaults: Sequence[Item],
    read: Callable[[Mapping[str, Any], Item, str], Item],
    changeable: tuple[str, ...],
) -> tuple[Item, ...]:
    values = body[part] if isinstance(body.get(part), list) else []
    stored = {_name(part, value): value for value in values if isinstance(value, dict)}
    return tuple(_kept(part, stored, item, read, changeable) for item in defaults)


def _kept(
    part: str,
    stored: Mapping[str, Mapping[str, Any]],
    default: Item,
    read: Callable[[Mapping[str, Any], Item, str], Item],
    changeable: tuple[str, ...],
) -> Item:
    """The default's item with every choice of the organisation that it can still have."""
    present = _as_json(default)
    name = _name(part, present)
    choices = {choice: stored[name][choice] for choice in changeable if choice in stored.get(name, {})}
    if isinstance(default, Row) and "ages" in choices:
        choices |= _cut(choices["ages"], default)
    for choice, value in choices.items():
        try:
            present = _as_json(read({**present, choice: value}, default, name))
        except PolicyDocumentError:
            continue  # no longer possible
    return read(present, default, name)


def _cut(ages: object, default: Row) -> dict[str, object]:
    """Ages within the equation's own; for nobody any more, the row is off."""
    if default.ages is None or not _are_ages(ages):
        return {"ages": default.ages}
    low, high = max(ages[0], default.ages[0]), min(ages[1], default.ages[1])
    return {"ages": [low, high]} if low <= high else {"ages": list(default.ages), "role": OFF}


def policy_changed(
    policy: Policy,
    *,
    roles: Mapping[str, str] | None = None,
    ages: Mapping[str, Ages] | None = None,
    score2_region: str | None = None,
    sentences: Mapping[str, str] | None = None,
    shown: Mapping[str, bool] | None = None,
) -> Policy:
    """The policy with some rows (by key), sentences ("stops/CODE", "questions/FACT", "notes/CODE") and words changed.

    Checked as a document is. `score2_region` replaces the region: None unsets it.
    """
    body = policy_body(dataclasses.replace(policy, score2_region=score2_region))
    places = {row["key"]: row for row in body["rows"]}
    for key, role in (roles or {}).items():
        _place(places, key, "rows")["role"] = role
    for key, limits in (ages or {}).items():
        _place(places, key, "rows")["ages"] = list(limits)
    worded = {f"{part}/{item.get('code', item['fact'])}": item for part in PARTS[2:5] for item in body[part]}
    for key, sentence in (sentences or {}).items():
        _place(worded, key, "sentences")["sentence"] = sentence
    categories = {category["key"]: category for category in body["categories"]}
    for key, is_shown in (shown or {}).items():
        _place(categories, key, "categories")["is_shown"] = is_shown
    return policy_read(canonical_json(body))


def _parsed(document: str) -> dict[str, Any]:
    """A policy of some table, this one or another; how it is written is checked here, what it says elsewhere."""
    if len(document) > MOST_DOCUMENT_CHARACTERS:
        sentence = f"A policy has at most {MOST_DOCUMENT_CHARACTERS} characters."
        raise PolicyDocumentError(sentence, field="document")
    try:
        body = json.loads(document, object_pairs_hook=_object)
        document.encode()
    except RecursionError as error:
        raise PolicyDocumentError("The document is nested too deeply.", field="document") from error
    except ValueError as error:
        raise PolicyDocumentError("The document is not JSON.", field="document") from error
    if not isinstance(body, dict) or not isinstance(body.get("version"), str):
        raise PolicyDocumentError("A policy is an object that names its table's version.", field="document")
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values for one name, readers would take one or the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PolicyDocumentError(f"The name {twice[:80]!r} is there twice in one object.", field="document")
    return found


def _place(places: Mapping[str, dict[str, Any]], key: str, part: str) -> dict[str, Any]:
    if key not in places:
        raise PolicyDocumentError(f"There is no {key!r} in the policy.", field=f"{part}.{key}")
    return places[key]


def _score2_region(value: object) -> str | None:
    if value is not None and value not in SCORE2_REGIONS:
        raise PolicyDocumentError(f"A SCORE2 region is one of {', '.join(SCORE2_REGIONS)}.", field="score2_region")
    return str(value) if value is not None else None


def _items(
    part: str,
    values: object,
    defaults: Sequence[Item],
    key_of: Callable[[Item], str],
    read: Callable[[Mapping[str, Any], Item, str], Item],
) -> tuple[Item, ...]:
    """Each item of the default, in its order, with what may be changed taken from the document."""
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise PolicyDocumentError(f"{part} is a list of objects.", field=part)
    _refuse_unknown_equations(part, values)
    names: list[str] = [_name(part, value) for value in values]
    known: list[str] = [key_of(item) for item in defaults]
    for name in [*known, *names]:
        if names.count(name) != 1 or name not in known:
            problem = "is missing, and binding" if name not in names else "is not known, or there twice"
            raise PolicyDocumentError(f"{part}: {name} {problem}.", field=f"{part}.{name}")
    found = dict(zip(names, values, strict=True))
    return tuple(read(found[name], item, f"{part}.{name}") for name, item in zip(known, defaults, strict=True))


def _refuse_unknown_equations(part: str, values: Iterable[Mapping[str, Any]]) -> None:
    for value in values if part == "rows" else ():
        equation = value.get("equation")
        if not isinstance(equation, str) or equation not in EQUATIONS:
            sentence = f"There is no equation {_short(equation)}."
            raise PolicyDocumentError(sentence, code="UNKNOWN_EQUATION", field=f"rows.{_name(part, value)}.equation")


def _name(part: str, value: Mapping[str, Any]) -> str:
    name = value.get({"stops": "code", "notes": "code", "questions": "fact"}.get(part, "key"))
    return name if isinstance(name, str) and len(name) <= MOST_NAME else _short(name)


def _short(value: object) -> str:
    """As a sentence can show it, whatever somebody wrote there."""
    return reprlib.repr(value)


def _as_json(item: Item) -> dict[str, Any]:
    """As the document has it."""
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(item)))
    return {"key": item.key, **found} if isinstance(item, Row) else found


def _binding(value: Mapping[str, Any], default: Item, place: str, changeable: tuple[str, ...]) -> None:
    """Refuse any other difference from the default, naming it."""
    expected = _as_json(default)
    for name in sorted(expected.keys() | value.keys()):
        if name in changeable:
            if name not in value:
                raise PolicyDocumentError(f"{place} has no {name}.", field=f"{place}.{name}")
            continue
        if name not in expected or name not in value or value[name] != expected[name]:
            sentence = f"{place}: {name} is binding; an organisation cannot change it."
            raise PolicyDocumentError(sentence, code="POLICY_BINDING", field=f"{place}.{name}")


def _worded(value: Mapping[str, Any], default: Any, place: str) -> Any:
    """A stop, question or note: its sentence may be worded otherwise."""
    _binding(value, default, place, ("sentence",))
    sentence, field = value["sentence"], f"{place}.sentence"
    if not isinstance(sentence, str) or not sentence.strip() or len(sentence) > MOST_CHARACTERS:
        raise PolicyDocumentError(f"A sentence has 1 to {MOST_CHARACTERS} characters.", field=field)
    allowed = set(_PLACEHOLDER.findall(default.sentence))
    if _NOT_TEXT.search(sentence):
        raise PolicyDocumentError("A sentence is text that can be stored.", field=field)
    if set(_PLACEHOLDER.findall(sentence)) - allowed:
        words = ", ".join(sorted(allowed)) or "nothing"
        raise PolicyDocumentError(f"This sentence can be filled with {words} only.", field=field)
    return dataclasses.replace(default, sentence=sentence)


def _row(value: Mapping[str, Any], default: Row, place: str) -> Row:
    _binding(value, default, place, ("role", "ages"))
    return dataclasses.replace(
        default, role=_role(value["role"], default, place), ages=_ages(value["ages"], default, place)
    )


def _role(role: object, default: Row, place: str) -> str:
    field = f"{place}.role"
    if role not in ROLES:
        raise PolicyDocumentError(f"A role is one of {', '.join(ROLES)}.", code="UNKNOWN_ROLE", field=field)
    if role != default.role and default.refusal is not None:
        sentence = f"{place} is a refusal in the place of a number; it is binding."
        raise PolicyDocumentError(sentence, code="POLICY_BINDING", field=field)
    if role not in {"API", OFF} and default.equation in API_ONLY:
        sentence = f"{default.equation} is not fully verified: it is computed for the API, or not at all."
        raise PolicyDocumentError(sentence, code="POLICY_BINDING", field=field)
    return str(role)


def _ages(ages: object, default: Row, place: str) -> Ages | None:
    """Never wider than the default's, which are the equation's own or fewer."""
    field = f"{place}.ages"
    if default.ages is None:
        if ages is not None:
            raise PolicyDocumentError(f"{default.equation} has no ages of its own to narrow.", field=field)
        return None
    low, high = default.ages
    if not (_are_ages(ages) and low <= ages[0] <= ages[1] <= high):
        sentence = (
            f"Ages are two whole numbers within {low} to {high}, the lower one first: a row of "
            f"{EQUATIONS[default.equation].label} may be narrowed, never widened."
        )
        raise PolicyDocumentError(sentence, code="AGES_OUT_OF_RANGE", field=field)
    return (ages[0], ages[1])


def _are_ages(ages: object) -> TypeGuard[Sequence[int]]:
    return (
        isinstance(ages, list | tuple)
        and len(ages) == 2
        and all(isinstance(age, int) and not isinstance(age, bool) for age in ages)
    )


def _category(value: Mapping[str, Any], default: Category, place: str) -> Category:
    _binding(value, default, place, ("is_shown",))
    if not isinstance(value["is_shown"], bool):
        raise PolicyDocumentError("is_shown is true or false.", field=f"{place}.is_shown")
    if value["is_shown"] and not default.verified:
        sentence = f"{place}: these words were read second-hand; they cannot be shown until somebody has verified them."
        raise PolicyDocumentError(sentence, code="POLICY_BINDING", field=f"{place}.is_shown")
    return dataclasses.replace(default, is_shown=value["is_shown"])
