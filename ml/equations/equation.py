"""A published risk equation as a value, and the three ways to evaluate it: a person, why, many people."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.equations import inputs
from ml.equations.inputs import AnyArray, BoolArray, Columns, FloatArray, Rule, Table
from ml.errors import EquationRefusal
from ml.types import Contribution

# Rows evaluated at a time: two dozen columns of this length stay in the processor's cache.
BLOCK_ROWS = 16_384
FEW_ROWS = 64  # below, calls into NumPy take longer than its arithmetic
_WHO = {"female": "woman", "male": "man"}


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedEquation:
    """Where a formula comes from; `version` is the year of publication, the code is pinned by a release's hashes."""

    name: str
    version: str
    label: str
    citation: str
    doi: str
    module: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssessedEquation(PublishedEquation):
    """What a person can be assessed by: it answers for outcomes over horizons, from the inputs of `rules`.

    `rules` are the inputs by horizon, in the order in which they are checked: the same inputs over every horizon, with
    limits that may differ. `reference` gives the values of the reference person, encoded, in the order in which
    contributions are listed.
    """

    outcomes: tuple[str, ...]
    rules: Mapping[int, tuple[Rule, ...]]
    reference: Mapping[str, float]

    def rules_for(self, outcome: str, horizon_years: int) -> tuple[Rule, ...]:
        """The inputs of one outcome over one horizon; ValueError where it has none: a programming error."""
        if outcome not in self.outcomes or horizon_years not in self.rules:
            raise ValueError(
                f"{self.name} has no {outcome!r} over {horizon_years} years: "
                f"outcomes {', '.join(self.outcomes)}; years {', '.join(map(str, self.rules))}"
            )
        return self.rules[horizon_years]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskEquation(AssessedEquation):
    """A risk of the form link(linear predictor).

    `terms` turns people's columns into what the coefficients multiply; it is evaluated once for all outcomes and
    horizons. `linear_predictor(outcome, horizon_years, terms)` sums coefficient x term, on the scale named by `link`:
    baselines that differ between groups are terms of it, so that one link serves everybody. Both are called with at
    least one row and with people of one sex, so that coefficients of a sex can be scalars. `explained_risks` changes
    the inputs in the order of `reference`. `unused` names, by outcome, inputs that are required but have no term, so
    that no contribution is shown for them.
    """

    terms: Callable[[Columns], Columns]
    linear_predictor: Callable[[str, int, Columns], FloatArray]
    link: Link
    unused: Mapping[str, frozenset[str]]

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


def evaluated_people(rules: Sequence[Rule], people: Table, formula: Callable[[Columns], FloatArray]) -> PeopleRisk:
    """`formula` for every accepted entry of the broadcast columns; the others are NaN and marked refused.

    Parameters
    ----------
    rules, people
        The inputs and, as in `risk_of_people`, their columns.
    formula : callable
        From encoded (N,) columns, N at least 1, to (N,) values; called with people of one sex, where sex is an input.

    Returns
    -------
    PeopleRisk
        What `formula` gave, in its unit; shape of the broadcast columns.

    Raises
    ------
    ValueError, TypeError
        As `risk_of_people`, for its columns.

    Examples
    --------
    >>> from ml.equations.score_inputs import BMI
    >>> evaluated_people((BMI,), {"bmi_kg_m2": [25.0, 0.0]}, lambda columns: columns["bmi_kg_m2"] - 20.0).risk
    array([ 5., nan])
    """
    inputs.check_names(rules, people)
    arrays = np.broadcast_arrays(*(rule.read_array(people[rule.field]) for rule in rules))
    shape = arrays[0].shape
    columns = [array.reshape(-1) for array in arrays]  # each (N,)
    risk = np.full(columns[0].size, np.nan)
    accepted = np.ones(columns[0].size, dtype=np.bool_)
    for start in range(0, risk.size, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        _evaluate_block(rules, [column[rows] for column in columns], formula, risk[rows], accepted[rows])
    return PeopleRisk(risk=risk.reshape(shape), refused=~accepted.reshape(shape))


def _evaluate_block(
    rules: Sequence[Rule],
    columns: Sequence[AnyArray],
    formula: Callable[[Columns], FloatArray],
    risk: FloatArray,
    accepted: BoolArray,
) -> None:
    """Fill `risk` where accepted, and clear `accepted` elsewhere; all are (rows,)."""
    encoded = {rule.field: rule.encode_array(column) for rule, column in zip(rules, columns, strict=True)}
    for rule, column in zip(rules, columns, strict=True):
        if column.dtype.kind != "b":  # a boolean is always an answer
            accepted &= rule.accepts(encoded[rule.field])
    sex = encoded.get("sex")
    for group in (accepted,) if sex is None else (accepted & (sex == 0.0), accepted & (sex == 1.0)):
        chosen = np.flatnonzero(group)
        if chosen.size == risk.size:
            risk[:] = formula(encoded)
        elif chosen.size:
            risk[chosen] = formula({field: column.take(chosen) for field, column in encoded.items()})


def risk_of_person(equation: RiskEquation, *, outcome: str, horizon_years: int, person: Mapping[str, object]) -> float:
    """The risk of one person, a probability between 0 and 1; refuses instead of extrapolating.

    Parameters
    ----------
    equation : RiskEquation
    outcome : str
    horizon_years : int
    person : mapping
        Exactly the equation's inputs, in the units of their names; None is not known.

    Returns
    -------
    float

    Raises
    ------
    EquationRefusal
        An input is missing or not accepted.
    ValueError
        No such outcome or horizon, or the inputs are not the equation's.

    Examples
    --------
    >>> from ml.equations.prevent_base import PREVENT_BASE
    >>> nobody = {rule.field: None for rule in PREVENT_BASE.rules[10]}
    >>> risk_of_person(PREVENT_BASE, outcome="ascvd", horizon_years=10, person=nobody)
    Traceback (most recent call last):
    ml.errors.EquationRefusal: PREVENT over 10 years is not shown: age is not recorded.
    """
    rules = equation.rules_for(outcome, horizon_years)
    columns = inputs.checked_person(rules, person, equation.label_over(horizon_years))
    return float(_risk(equation, outcome, horizon_years, columns)[0])


def _risk(equation: RiskEquation, outcome: str, horizon_years: int, columns: Columns) -> FloatArray:
    predictor = equation.linear_predictor(outcome, horizon_years, equation.terms(columns))
    return equation.link.probability(predictor)


def risk_of_people(equation: RiskEquation, *, outcome: str, horizon_years: int, people: Table) -> PeopleRisk:
    """The risks of many people, by the same formula as `risk_of_person`.

    Parameters
    ----------
    equation, outcome, horizon_years
        As in `risk_of_person`.
    people : Table
        Field name (with its unit) -> array or scalar, exactly the equation's inputs; columns broadcast. Or a pandas
        DataFrame, whose further columns are ignored. Unknown is NaN in numeric and yes/no columns (a boolean NumPy
        column holds no unknowns), NA in pandas' nullable dtypes, any other string or None in a choice such as `sex`.
        An optional input that nobody has is a column of its own all the same: None.

    Returns
    -------
    PeopleRisk
        NaN and refused wherever `risk_of_person` would refuse. Shape of the broadcast columns.

    Raises
    ------
    ValueError, TypeError
        No such outcome or horizon; a column is missing, a mapping has an unknown one, they do not broadcast; or a
        dtype cannot hold a column's values, such as numbers written as strings.

    Examples
    --------
    >>> from ml.equations.score2 import SCORE2
    >>> people = {"age_years": [50, 30], "sex": "female", "score2_region": "low", "systolic_bp_mmhg": 140,
    ...           "total_cholesterol_mmol_l": 6.3, "hdl_cholesterol_mmol_l": 1.4, "has_diabetes": False,
    ...           "is_current_smoker": True}
    >>> risk_of_people(SCORE2, outcome="cvd", horizon_years=10, people=people).risk.round(4)
    array([0.0433,    nan])
    """
    rules = equation.rules_for(outcome, horizon_years)

    def formula(columns: Columns) -> FloatArray:
        return _risk(equation, outcome, horizon_years, columns)

    return evaluated_people(rules, people, formula)


def explained_risks(
    equation: RiskEquation, *, questions: Sequence[tuple[str, int]], person: Mapping[str, object]
) -> list[ExplainedRisk | EquationRefusal]:
    """Several risks of one person by one equation, each with the contribution of each input, or its refusal.

    The reference person has the same age and sex (and stated group) and the values of `equation.reference`. Inputs
    are changed from the reference's value to the person's one at a time, in the order of `equation.reference`; each
    change of the linear predictor is that input's contribution, so that contributions plus the reference's linear
    predictor are the person's. Drugs come first: a drug contributes its effect at the reference's blood pressure or
    cholesterol, and the measured value then contributes as it counts in people who take, or do not take, that drug.
    Interactions with age belong to the other input, age being the same in both.

    Parameters
    ----------
    equation, person
        As in `risk_of_person`.
    questions : sequence of (str, int)
        (outcome, horizon in years); inputs are checked once a horizon, terms evaluated once for all.

    Returns
    -------
    list of ExplainedRisk or EquationRefusal
        In the order of `questions`; the same bits as each question asked alone.

    Raises
    ------
    ValueError
        The equation has no such outcome or horizon, or the inputs are not the equation's.

    Examples
    --------
    >>> from ml.equations.prevent_base import PREVENT_BASE
    >>> person = {"age_years": 60, "sex": "female", "systolic_bp_mmhg": 160, "total_cholesterol_mmol_l": 5.172,
    ...           "hdl_cholesterol_mmol_l": 1.1637, "bmi_kg_m2": 35, "egfr_ml_min_173m2": 90, "has_diabetes": True,
    ...           "is_current_smoker": False, "takes_antihypertensive": True, "takes_statin": False}
    >>> ten, thirty = explained_risks(PREVENT_BASE, questions=(("ascvd", 10), ("ascvd", 30)), person=person)
    >>> max(ten.contributions, key=lambda one: one.log_odds_or_hazard).input, thirty.reason_code
    ('has_diabetes', 'AGE_ABOVE_RANGE')
    """
    explanation: _Explanation | None = None
    checked: dict[int, dict[str, float] | EquationRefusal] = {}
    found: list[ExplainedRisk | EquationRefusal] = []
    for outcome, horizon_years in questions:
        rules = equation.rules_for(outcome, horizon_years)
        if horizon_years not in checked:
            try:
                checked[horizon_years] = inputs.encoded_person(rules, person, equation.label_over(horizon_years))
            except EquationRefusal as refusal:
                checked[horizon_years] = refusal
        encoded = checked[horizon_years]
        if isinstance(encoded, EquationRefusal):
            found.append(encoded)
            continue
        if explanation is None:
            explanation = _Explanation(equation, encoded)
        found.append(explanation.of(outcome, horizon_years))
    return found


@dataclass(frozen=True, slots=True)
class ComparedInput:
    """An input in which a person may differ from the reference person, and the reference as a reader sees it."""

    name: str
    rule: Rule
    reference_value: float | str
    reference_phrase: str


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What of a comparison with the reference person is the same for everybody."""

    inputs: tuple[ComparedInput, ...]  # in the order of `reference`
    same: tuple[Rule, ...]  # what both have in common beside age and sex
    sex: Rule | None
    reference: FloatArray  # (fields, 1), NaN where there is none
    # Where the reference's value stands, on the way from the reference to the person: one input a step, or all at once
    is_reference: BoolArray  # (fields, steps)
    is_reference_at_once: BoolArray  # (fields, 2)

    def path(self, encoded: Mapping[str, float], is_reference: BoolArray) -> dict[str, FloatArray]:
        """Columns of (steps,): first the reference, last the person, who is encoded in the order of the rules."""
        person = np.array([*encoded.values()])[:, np.newaxis]
        return dict(zip(encoded, np.where(is_reference, self.reference, person), strict=True))

    def opening(self, value_of: Mapping[str, float]) -> str:
        """How the sentence about the reference person begins."""
        same = [rule.phrase(value_of[rule.field]) for rule in self.same]
        who = "person" if self.sex is None else _WHO[self.sex.phrase(value_of["sex"])]
        age = f" of {value_of['age_years']:g}" if "age_years" in value_of else ""
        group = f" of the same group ({', '.join(same)})" if same else ""
        return f"A {who}{age}{group} with "


@functools.cache
def comparison_of(equation: AssessedEquation) -> Comparison:
    """What is the same for everybody whom an equation compares with its reference person; made once an equation.

    Parameters
    ----------
    equation : AssessedEquation

    Returns
    -------
    Comparison

    Examples
    --------
    >>> from ml.equations.pce_2013 import PCE_2013
    >>> [one.reference_phrase for one in comparison_of(PCE_2013).inputs][:2]
    ['no blood pressure drug', 'no diabetes']
    """
    rule_of = {rule.field: rule for rule in next(iter(equation.rules.values()))}
    reference = equation.reference
    steps_of = {name: step for step, name in enumerate(reference, start=1)}
    is_reference = np.array([np.arange(len(reference) + 1) < steps_of.get(field, 0) for field in rule_of])
    return Comparison(
        inputs=tuple(
            ComparedInput(name, rule_of[name], rule_of[name].shown(value), rule_of[name].phrase(value))
            for name, value in reference.items()
        ),
        same=tuple(rule for field, rule in rule_of.items() if field not in {*reference, "age_years", "sex"}),
        sex=rule_of.get("sex"),
        reference=np.array([[reference.get(field, np.nan)] for field in rule_of]),
        is_reference=is_reference,
        is_reference_at_once=np.array([[row[0], row[-1]] for row in is_reference]),
    )


# Index of each contribution's step, inputs, units, reference values; and the end of the reference person's sentence
_Listed = tuple[tuple[int, ...], tuple[str, ...], tuple[str, ...], tuple[float | str, ...], str]


@functools.cache
def _listed(equation: RiskEquation, outcome: str) -> _Listed:
    unused = equation.unused.get(outcome, frozenset())
    kept = [(index, one) for index, one in enumerate(comparison_of(equation).inputs) if one.name not in unused]
    return (
        tuple(index for index, _ in kept),
        tuple(one.name for _, one in kept),
        tuple(one.rule.ucum for _, one in kept),
        tuple(one.reference_value for _, one in kept),
        ", ".join(one.reference_phrase for _, one in kept) + ".",
    )


class _Explanation:
    """One accepted person on the way from the reference person, for any outcome and horizon of one equation."""

    def __init__(self, equation: RiskEquation, encoded: Mapping[str, float]) -> None:
        comparison = comparison_of(equation)
        self.equation = equation
        self.terms = equation.terms(comparison.path(encoded, comparison.is_reference))
        self.values = [one.rule.shown(encoded[one.name]) for one in comparison.inputs]
        self.opening = comparison.opening(encoded)

    def of(self, outcome: str, horizon_years: int) -> ExplainedRisk:
        predictor = self.equation.linear_predictor(outcome, horizon_years, self.terms)  # (steps,)
        indexes, names, units, reference_values, ending = _listed(self.equation, outcome)
        changes = (predictor[1:] - predictor[:-1]).tolist()
        probability = self.equation.link.probability
        values = [self.values[index] for index in indexes]
        shares = [changes[index] for index in indexes]
        return ExplainedRisk(
            # Links are taken on one element, as in risk_of_person, so that both give the same bits.
            risk=float(probability(predictor[-1])),
            reference_risk=float(probability(predictor[0])),
            reference_person=self.opening + ending,
            linear_predictor=float(predictor[-1]),
            reference_linear_predictor=float(predictor[0]),
            contributions=tuple(map(Contribution, names, values, units, reference_values, shares)),
        )


def weighted_sum(
    start: FloatArray | float, table: FloatArray, group: AnyArray | int, terms: Sequence[FloatArray]
) -> FloatArray:
    """`start` + coefficient x term + ..., added in this order: the same bits for one row as for many.

    Parameters
    ----------
    start : float or (N,) float64 array
    table : (terms, groups) float64 array, of coefficients
    group : int or (N,) integer array, the column of `table` for all rows or for each
    terms : sequence of (N,) float64 arrays, at least one

    Returns
    -------
    (N,) float64 array

    Examples
    --------
    >>> weighted_sum(1.0, np.array([[10.0, 20.0]]), np.array([0, 1]), [np.array([1.0, 2.0])])
    array([11., 41.])
    """
    if terms[0].size < FEW_ROWS:
        summands = np.empty((len(terms) + 1, terms[0].size))
        summands[0] = start
        np.multiply(table[:, group].reshape(len(terms), -1), np.array(terms), out=summands[1:])
        few: FloatArray = np.add.accumulate(summands, axis=0)[-1]  # np.sum would add one row in another order
        return few
    total = np.full(terms[0].shape, start)
    for coefficients, term in zip(table, terms, strict=True):
        total += coefficients[group] * term
    return total
