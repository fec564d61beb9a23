"""The T1 head: size as asked for, a skull around it, and what an independent brain extraction says of its volume."""

import importlib
import sys

import numpy as np
import pytest

from ml.synthetic.head import TemplateMissingError, head_template
from ml.synthetic.mr import head_phantom

pytest.importorskip("nilearn", reason="the `demo` extra is not installed")


@pytest.fixture(scope="module")
def phantom():
    return head_phantom(1, intracranial_volume_ml=1300)


@pytest.mark.parametrize("volume_ml", [1300, 1600])
def test_the_head_has_about_the_volume_asked_for_and_says_exactly_which(volume_ml):
    made = head_phantom(2, intracranial_volume_ml=volume_ml)
    assert made.intracranial_volume_ml == pytest.approx(volume_ml, rel=0.04)
    assert made.intracranial_volume_ml == pytest.approx(made.intracranial.sum() * 1.2 / 1000)


def test_the_same_seed_gives_the_same_voxels_and_another_seed_others(phantom):
    assert np.array_equal(phantom.signal, head_phantom(1, intracranial_volume_ml=1300).signal)
    assert not np.array_equal(phantom.signal, head_phantom(5, intracranial_volume_ml=1300).signal)


def test_brain_is_bright_and_background_is_noise(phantom):
    inside = phantom.signal[phantom.intracranial]
    corner = phantom.signal[:10, :20, -20:]
    assert 400 < np.median(inside) < 900
    assert np.percentile(corner, 99) < 60
    assert phantom.signal.max() <= 4095


def test_the_head_does_not_touch_the_skull_base_edges_of_the_field_of_view(phantom):
    assert not phantom.intracranial[[0, -1]].any()
    assert not phantom.intracranial[:, [0, -1]].any()
    assert not phantom.intracranial[:, :, [0, -1]].any()


def test_a_dark_skull_separates_brain_from_bright_scalp():
    template = head_template()
    x, y, z = (int(-start) for start in template.origin_ras_mm)
    column = template.signal[x, y - 20, z + 40 :]  # upwards from inside the brain
    outside = np.flatnonzero(template.intracranial[x, y - 20, z + 40 :] < 0.5)[0]
    shell = column[outside : outside + 16]
    assert shell[:5].min() < 0.2  # inner table
    assert shell.max() > 0.7  # scalp fat
    assert shell[-1] < 0.1  # air


@pytest.mark.parametrize("volume_ml", [0, 899, 2101, -5])
def test_a_volume_no_head_has_is_refused(volume_ml):
    with pytest.raises(ValueError, match="not that of a human head"):
        head_phantom(1, intracranial_volume_ml=volume_ml)


def test_without_the_demo_extra_the_missing_template_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn.datasets", None)
    head = importlib.import_module("ml.synthetic.head")
    head.head_template.cache_clear()
    with pytest.raises(TemplateMissingError, match=r"cdss\[demo\]") as refusal:
        head.head_template()
    assert refusal.value.reason_code == "TEMPLATE_MISSING"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.jit inside deepbet
def test_an_independent_brain_extraction_agrees_within_four_percent(phantom):
    nibabel = pytest.importorskip("nibabel")
    bet = pytest.importorskip("deepbet.bet", reason="the `brain` extra is not installed")
    dz, dy, dx = phantom.spacing_zyx_mm
    x0, y0, z0 = phantom.origin_xyz_mm
    affine = np.array([[-dz, 0, 0, -x0], [0, 0, -dx, -y0], [0, -dy, 0, z0], [0, 0, 0, 1.0]])
    image = nibabel.Nifti1Image(phantom.signal.astype(np.float32), affine)
    _, _, volume_ml = bet.BrainExtraction(no_gpu=True).run(image)
    assert float(volume_ml) == pytest.approx(phantom.intracranial_volume_ml, rel=0.04)
