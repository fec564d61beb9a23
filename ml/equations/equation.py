"""A published risk equation as a value, and the three ways to evaluate it: a person, why, many people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.equations.inputs import BoolArray, Columns, FloatArray, Rule
from ml.types import Contribution

# Rows evaluated at a time: two dozen columns of this length stay in the processor's cache.
BLOCK_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Link:
    """From the linear predictor to a probability."""

    scale: str  # of the linear predictor
    probability: Callable[[FloatArray], FloatArray]


def _logistic(log_odds: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-log_odds))


def _complementary_log_log(log_cumulative_hazard: FloatArray) -> FloatArray:
    # 1 - exp(-exp(x)), written so that a small risk keeps its digits
    risk: FloatArray = -np.expm1(-np.exp(log_cumulative_hazard))
    return risk


LOGISTIC = Link("log-odds", _logistic)
# A Cox model: 1 - S0 ** exp(sum - mean) is the complementary log-log of sum - mean + ln(-ln(S0)).
COMPLEMENTARY_LOG_LOG = Link("log-hazard", _complementary_log_log)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEquation:
    """Where a formula comes from; `version` is the year of publication, the code is pinned by a release's hashes."""

    name: str
    version: str
    label: str
    citation: str
    doi: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEquation(PublishedEquation):
    """A risk of the form link(linear predictor).

    `terms` turns a person's columns into what the coefficients multiply; it is evaluated once for all outcomes and
    horizons. `linear_predictor(outcome, horizon_years, terms)` sums coefficient x term, on the scale named by `link`:
    baselines that differ between groups are terms of it, so that one link serves everybody. `rules` are the inputs by
    horizon, in the order in which they are checked. `reference` gives the values of the reference person, encoded, in
    the order in which `explained_risk` changes them. `unused` names, by outcome, inputs that are required but have no
    term, so that no contribution is shown for them.
    """

    outcomes: tuple[str, ...]
    rules: Mapping[int, tuple[Rule, ...]]
    terms: Callable[[Columns], Columns]
    linear_predictor: Callable[[str, int, Columns], FloatArray]
    link: Link
    reference: Mapping[str, float]
    unused: Mapping[str, frozenset[str]]

    def rules_for(self, outcome: str, horizon_years: int) -> tuple[Rule, ...]:
        """The inputs of one outcome over one horizon.

        Raises
        ------
        ValueError
            The equation has no such outcome or horizon: a programming error, not a refusal.
        """
        if outcome not in self.outcomes or horizon_years not in self.rules:
            raise ValueError(
                f"{self.name} has no {outcome!r} over {horizon_years} years: "
                f"outcomes {', '.join(self.outcomes)}; years {', '.join(map(str, self.rules))}"
            )
        return self.rules[horizon_years]

    def label_over(self, horizon_years: int) -> str:
        return f"{self.label} over {horizon_years} years"


@dataclass(frozen=True, slots=True)
class ExplainedRisk:
    """A risk, the risk of the reference person, and what leads from one to the other."""

    risk: float
    reference_risk: float
    reference_person: str
    linear_predictor: float
    reference_linear_predictor: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleRisk:
    """Risks of many people: NaN exactly where `refused` is True. Both have the shape of the input columns."""

    risk: FloatArray
    refused: BoolArray


def checked_person(rules: Sequence[Rule], person: Mapping[str, object], label: str) -> dict[str, FloatArray]:
    """One person as columns of length 1.

    Raises
    ------
    EquationRefusal
        For the first input, in the order of `rules`, that is missing or not accepted.
    """
    _check_names(rules, person)
    columns = {}
    for rule in rules:
        column = np.array([rule.encode(person[rule.field])])  # (1,)
        if not rule.accepts(column)[0]:
            raise rule.refusal(person[rule.field], label)
        columns[rule.field] = column
    return columns


def evaluated_people(
    rules: Sequence[Rule], people: Mapping[str, object], formula: Callable[[Columns], FloatArray]
) -> PeopleRisk:
    """`formula` for every accepted entry of the broadcast columns; the others are NaN and marked refused.

    Raises
    ------
    ValueError
        A column is missing or unknown, or the columns do not broadcast.
    TypeError
        A column has a dtype that cannot hold its values.
    """
    _check_names(rules, people)
    encoded = np.broadcast_arrays(*(rule.encode_array(people[rule.field]) for rule in rules))
    shape = encoded[0].shape
    columns = [np.ravel(column) for column in encoded]  # each (N,)
    risk = np.full(columns[0].size, np.nan)
    accepted = np.ones(columns[0].size, dtype=np.bool_)
    for start in range(0, risk.size, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        for rule, column in zip(rules, columns, strict=True):
            accepted[rows] &= rule.accepts(column[rows])
        chosen = accepted[rows]
        block = {rule.field: column[rows][chosen] for rule, column in zip(rules, columns, strict=True)}
        risk[rows][chosen] = formula(block)
    return PeopleRisk(risk=risk.reshape(shape), refused=~accepted.reshape(shape))


def risk_of_person(equation: RiskEquation, *, outcome: str, horizon_years: int, person: Mapping[str, object]) -> float:
    """The risk of one person; raises `EquationRefusal` instead of extrapolating."""
    rules = equation.rules_for(outcome, horizon_years)
    columns = checked_person(rules, person, equation.label_over(horizon_years))
    return float(_risk(equation, outcome, horizon_years, columns)[0])


def _risk(equation: RiskEquation, outcome: str, horizon_years: int, columns: Columns) -> FloatArray:
    predictor = equation.linear_predictor(outcome, horizon_years, equation.terms(columns))
    return equation.link.probability(predictor)


def risk_of_people(
    equation: RiskEquation, *, outcome: str, horizon_years: int, people: Mapping[str, object]
) -> PeopleRisk:
    """The risks of many people, by the same formula as `risk_of_person`.

    Parameters
    ----------
    people
        Field name (with its unit) -> array or scalar; columns broadcast. Unknown is NaN in numeric and yes/no
        columns (a boolean column holds no unknowns), any other string or None in a choice such as `sex`.

    Returns
    -------
    PeopleRisk
        `risk` is NaN and `refused` True wherever `risk_of_person` would refuse.

    Examples
    --------
    >>> from ml.equations.mesa_chd import MESA_CHD
    >>> people = {"age_years": [70, 30], "sex": "male", "mesa_race_ethnicity": "hispanic", "systolic_bp_mmhg": 130,
    ...           "total_cholesterol_mmol_l": 4.9134, "hdl_cholesterol_mmol_l": 1.293, "has_diabetes": False,
    ...           "is_current_smoker": False, "takes_antihypertensive": True, "takes_lipid_lowering": False,
    ...           "has_family_history_of_heart_attack": False}
    >>> found = risk_of_people(MESA_CHD, outcome="chd", horizon_years=10, people=people)
    >>> found.risk.round(4), found.refused
    (array([0.0861,    nan]), array([False,  True]))
    """
    rules = equation.rules_for(outcome, horizon_years)

    def formula(columns: Columns) -> FloatArray:
        return _risk(equation, outcome, horizon_years, columns)

    return evaluated_people(rules, people, formula)


def explained_risk(
    equation: RiskEquation, *, outcome: str, horizon_years: int, person: Mapping[str, object]
) -> ExplainedRisk:
    """The risk of one person and the contribution of each input to the linear predictor.

    The reference person has the same age and sex (and stated group) and the values of `equation.reference`. Inputs
    are changed from the reference's value to the person's one at a time, in the order of `equation.reference`; each
    change of the linear predictor is that input's contribution, so that contributions plus the reference's linear
    predictor are the person's. Drugs come first: a drug contributes its effect at the reference's blood pressure or
    cholesterol, and the measured value then contributes as it counts in people who take, or do not take, that drug.
    Interactions with age belong to the other input, age being the same in both.

    Raises
    ------
    EquationRefusal
        An input is missing or not accepted.
    ValueError
        The equation has no such outcome or horizon.
    """
    rules = equation.rules_for(outcome, horizon_years)
    columns = checked_person(rules, person, equation.label_over(horizon_years))
    unused = equation.unused.get(outcome, frozenset())
    changed = [name for name in equation.reference if name not in unused]
    path = {field: np.repeat(column, len(changed) + 1) for field, column in columns.items()}  # (steps,)
    for step, name in enumerate(changed, start=1):
        path[name][:step] = equation.reference[name]
    # (steps,): first the reference, last the person
    predictor = equation.linear_predictor(outcome, horizon_years, equation.terms(path))
    rule_of = {rule.field: rule for rule in rules}
    contributions = tuple(
        Contribution(
            input=name,
            value=rule_of[name].shown(float(columns[name][0])),
            unit=rule_of[name].ucum,
            reference_value=rule_of[name].shown(equation.reference[name]),
            log_odds_or_hazard=float(predictor[step] - predictor[step - 1]),
        )
        for step, name in enumerate(changed, start=1)
    )
    return ExplainedRisk(
        # Links are taken on one element, as in risk_of_person, so that both give the same bits.
        risk=float(equation.link.probability(predictor[-1:])[0]),
        reference_risk=float(equation.link.probability(predictor[:1])[0]),
        reference_person=_reference_sentence(equation, rule_of, columns, changed),
        linear_predictor=float(predictor[-1]),
        reference_linear_predictor=float(predictor[0]),
        contributions=contributions,
    )


def _reference_sentence(
    equation: RiskEquation, rule_of: Mapping[str, Rule], columns: Columns, changed: Sequence[str]
) -> str:
    same = [
        rule.phrase(float(columns[field][0]))
        for field, rule in rule_of.items()
        if field not in equation.reference and field not in ("age_years", "sex")
    ]
    who = {"female": "woman", "male": "man"}[rule_of["sex"].phrase(float(columns["sex"][0]))]
    group = f" of the same group ({', '.join(same)})" if same else ""
    values = ", ".join(rule_of[name].phrase(equation.reference[name]) for name in changed)
    return f"A {who} of {columns['age_years'][0]:g}{group} with {values}."


def _check_names(rules: Sequence[Rule], given: Mapping[str, object]) -> None:
    expected = {rule.field for rule in rules}
    if given.keys() != expected:
        missing, unknown = sorted(expected - given.keys()), sorted(given.keys() - expected)
        raise ValueError(f"inputs do not match the equation: missing {missing}, unknown {unknown}")
