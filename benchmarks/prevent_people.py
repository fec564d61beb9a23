"""PREVENT for many people at once: ours, the Rust package pyprevent, and our own one-person function in a loop.

Run: `python -m benchmarks.prevent_people [--rounds 9] [--people 1000000]`. Everybody is asked the 10-year risk of total
cardiovascular disease by the base model, from the same people in the same process, one after the other in every round;
the ratio is the median of the rounds' ratios. pyprevent is asked in two ways: by its public batch function, which takes
a DataFrame, and by the compiled function behind it, which takes a matrix of numbers made beforehand and uses all cores.
Ours takes a DataFrame as well, or a mapping of arrays, sex in words in both, and uses one core. The loop runs over
5,000 people and is scaled.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyprevent
from pyprevent import _pyprevent

from benchmarks.machine import machine_line
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.equation import risk_of_people, risk_of_person
from ml.equations.prevent_base import PREVENT_BASE

MIN_RATIO_TO_PYPREVENT, MIN_RATIO_TO_LOOP = 1.5, 20.0
LARGEST_DIFFERENCE = 1e-9
LOOP_PEOPLE = 5_000

Array = npt.NDArray[np.generic]
FloatArray = npt.NDArray[np.float64]


def people_of(number: int) -> dict[str, Array]:
    """People inside every range, both sexes; the same every time."""
    rng = np.random.default_rng(20240315)
    yes_no = (rng.random((4, number)) < 0.3).tolist()
    answers = [np.array(column, dtype=np.bool_) for column in yes_no]
    return {
        "age_years": rng.integers(30, 80, number).astype(np.float64),
        "sex": np.where(rng.random(number) < 0.5, "female", "male"),
        "systolic_bp_mmhg": rng.uniform(90, 180, number).round(),
        "total_cholesterol_mmol_l": rng.uniform(130, 320, number).round() * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": rng.uniform(20, 100, number).round() * MMOL_L_PER_MG_DL,
        "bmi_kg_m2": rng.uniform(18.5, 39.9, number).round(1),
        "egfr_ml_min_173m2": rng.uniform(15, 140, number).round(),
        "has_diabetes": answers[0],
        "is_current_smoker": answers[1],
        "takes_antihypertensive": answers[2],
        "takes_statin": answers[3],
    }


# Its columns, in the order of its compiled function, and ours.
PYPREVENT_COLUMNS = {
    "sex": "sex",
    "age": "age_years",
    "total_cholesterol": "total_cholesterol_mmol_l",
    "hdl_cholesterol": "hdl_cholesterol_mmol_l",
    "systolic_bp": "systolic_bp_mmhg",
    "has_diabetes": "has_diabetes",
    "current_smoker": "is_current_smoker",
    "bmi": "bmi_kg_m2",
    "egfr": "egfr_ml_min_173m2",
    "on_htn_meds": "takes_antihypertensive",
    "on_cholesterol_meds": "takes_statin",
}


def pyprevent_table(people: Mapping[str, Array]) -> pd.DataFrame:
    table = pd.DataFrame({theirs: people[ours] for theirs, ours in PYPREVENT_COLUMNS.items()})
    for name in ("total_cholesterol", "hdl_cholesterol"):
        # A whole number of mg/dL again, which the way there and back misses by a rounding error.
        table[name] = (table[name] / MMOL_L_PER_MG_DL).round()
    return table


def pyprevent_matrix(table: pd.DataFrame) -> FloatArray:
    numbers = table.assign(sex=(table["sex"] == "male").astype(np.float64))
    return np.ascontiguousarray(numbers.to_numpy(dtype=np.float64))


def questions(people: Mapping[str, Array]) -> dict[str, Callable[[], FloatArray]]:
    """Every way to ask; each answers with probabilities."""
    table, matrix = pyprevent_table(people), pyprevent_matrix(pyprevent_table(people))
    frame = pd.DataFrame(dict(people))

    def ours(given: Mapping[str, Array] | pd.DataFrame) -> FloatArray:
        return risk_of_people(PREVENT_BASE, outcome="total_cvd", horizon_years=10, people=given).risk

    return {
        "ours, arrays": lambda: ours(people),
        "ours, DataFrame": lambda: ours(frame),
        "pyprevent, DataFrame": lambda: np.asarray(pyprevent.batch_calculate_10_yr_cvd_risk(table)) / 100.0,
        "pyprevent, compiled part": lambda: (
            np.asarray(_pyprevent.calculate_10_yr_cvd_rust_parallel_np(data=matrix)) / 100.0
        ),
    }


def loop_seconds(people: Mapping[str, Array]) -> float:
    """Seconds a person by our scalar function."""
    persons = [{name: column[row].item() for name, column in people.items()} for row in range(LOOP_PEOPLE)]
    started = time.perf_counter()
    for person in persons:
        risk_of_person(PREVENT_BASE, outcome="total_cvd", horizon_years=10, person=person)
    return (time.perf_counter() - started) / LOOP_PEOPLE


def seconds_of(asked: Callable[[], object]) -> float:
    started = time.perf_counter()
    asked()
    return time.perf_counter() - started


def difference_check(asked: Mapping[str, Callable[[], FloatArray]], people: Mapping[str, Array]) -> float:
    """The largest difference of any answer from ours; also against the scalar function, which must be equal."""
    answers = {name: ask() for name, ask in asked.items()}
    ours = answers["ours, arrays"]
    assert not np.isnan(ours).any()
    for row in range(0, ours.size, max(1, ours.size // 1000)):
        person = {name: column[row].item() for name, column in people.items()}
        assert risk_of_person(PREVENT_BASE, outcome="total_cvd", horizon_years=10, person=person) == ours[row]
    return max(float(np.abs(answer - ours).max()) for answer in answers.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--people", type=int, default=1_000_000)
    options = parser.parse_args()
    print(machine_line())
    people = people_of(options.people)
    asked = questions(people)
    difference = difference_check(asked, people)
    assert difference <= LARGEST_DIFFERENCE, difference
    print(f"largest difference of a risk: {difference:.1e} (at most {LARGEST_DIFFERENCE:g})")

    taken = [{name: seconds_of(ask) for name, ask in asked.items()} for _ in range(options.rounds)]
    looped = [loop_seconds(people) * options.people for _ in range(3)]
    print(f"{options.people:,} people, {options.rounds} rounds, median (min to max)")
    for name in asked:
        values = [one[name] for one in taken]
        print(f"  {name:26} {statistics.median(values):8.3f} s  ({min(values):.3f} to {max(values):.3f})")
    name = f"ours, loop ({LOOP_PEOPLE:,}, scaled)"
    print(f"  {name:26} {statistics.median(looped):8.3f} s  ({min(looped):.3f} to {max(looped):.3f})")

    ratios = {
        f"{ours} to {theirs}": [one[theirs] / one[ours] for one in taken]
        for ours in ("ours, arrays", "ours, DataFrame")
        for theirs in ("pyprevent, DataFrame", "pyprevent, compiled part")
    }
    ratios["ours, arrays to loop"] = [second / statistics.median(o["ours, arrays"] for o in taken) for second in looped]
    print("times as fast, median (min to max)")
    for name, values in ratios.items():
        print(f"  {name:46} {statistics.median(values):8.2f}  ({min(values):.2f} to {max(values):.2f})")
    growth_print()

    medians = {name: statistics.median(values) for name, values in ratios.items()}
    is_met = (
        medians["ours, DataFrame to pyprevent, DataFrame"] >= MIN_RATIO_TO_PYPREVENT
        and medians["ours, arrays to loop"] >= MIN_RATIO_TO_LOOP
    )
    print(
        f"goal: from the same table at least {MIN_RATIO_TO_PYPREVENT} times as fast as pyprevent's batch function, "
        f"{MIN_RATIO_TO_LOOP:g} times as fast as our loop: {'met' if is_met else 'MISSED'}"
    )
    print(json.dumps({"benchmark": "prevent_people", "met": is_met, "largest_difference": difference, **medians}))
    return 0 if is_met else 1


def growth_print() -> None:
    """How the cost grows: nanoseconds a person, the best of five."""
    names = list(questions(people_of(10)))
    print(f"{'nanoseconds a person':>22} " + "".join(f"{name:>27}" for name in names))
    for number in (10_000, 100_000, 1_000_000):
        asked = questions(people_of(number))
        best = {name: min(seconds_of(ask) for _ in range(5)) / number * 1e9 for name, ask in asked.items()}
        print(f"{number:>22,} " + "".join(f"{best[name]:27.0f}" for name in names))


if __name__ == "__main__":
    raise SystemExit(main())
