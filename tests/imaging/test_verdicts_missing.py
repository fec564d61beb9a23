"""How the sentence names the candidates without a verdict; that it is said at all is tested with the page."""

from __future__ import annotations

import pytest

from imaging.services.readings import _candidates_have


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([4], "Candidate 4 has"),
        ([1, 2], "Candidates 1 and 2 have"),
        ([2, 3, 4, 5, 6], "Candidates 2 to 6 have"),
        ([1, 3, 12], "Candidates 1, 3 and 12 have"),
    ],
)
def test_candidates_are_named_as_a_person_would(numbers: list[int], words: str) -> None:
    assert _candidates_have(numbers) == words
