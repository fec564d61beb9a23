"""UIDs and random streams follow from their parts and from nothing else."""

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from ml.synthetic.identity import seeded_generator, synthetic_uid

parts = st.lists(st.one_of(st.integers(), st.text(max_size=20)), min_size=1, max_size=4)


@given(parts)
def test_any_parts_give_a_valid_uid_under_the_uuid_root(values):
    uid = UID(synthetic_uid(*values))
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert len(uid) <= 64


def test_a_uid_is_the_same_in_every_version_of_the_product():
    assert synthetic_uid("study", 1) == "2.25.261061632875714754980269922530951556611"


def test_parts_that_read_alike_when_joined_give_different_uids():
    assert synthetic_uid("ab", "c") != synthetic_uid("a", "bc")


def test_streams_of_different_parts_are_different_and_repeatable():
    first, again, other = (seeded_generator("ct", seed).random(4).tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other
