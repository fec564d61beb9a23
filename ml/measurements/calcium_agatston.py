"""Candidates for coronary calcium and the Agatston score of those that a reader has confirmed.

Agatston AS et al., J Am Coll Cardiol 1990;15:827-832, doi:10.1016/0735-1097(90)90282-T: a lesion is a connected area of
at least 1 mm2 at 130 HU or more in one slice; the score sums area x weight of its peak over all slices of 3 mm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

from ml.errors import Refusal
from ml.preprocessing.geometry import Geometry
from ml.preprocessing.key_images import CALCIUM_WINDOW_HU, edges, outlined_crop
from ml.preprocessing.volume import Volume
from ml.types import CalciumCandidate, CalciumLesion, KeyImage, LargeStructure

THRESHOLD_HU = 130.0
MIN_AREA_MM2 = 1.0
NOMINAL_SLICE_MM = 3.0
WEIGHTS = ((400.0, 4), (300.0, 3), (200.0, 2), (130.0, 1))

# Bone is found, but not listed: a whole heart rarely holds 3,000 mm3 of calcium, and no coronary artery is longer than
# 150 mm, while ribs, sternum and vertebrae are beyond both. What was left out is shown, because it can touch or hold
# coronary calcium: a reader states that none of it does, or there is no score.
MAX_VOLUME_MM3 = 3000.0
MAX_EXTENT_MM = 150.0
MAX_CANDIDATES = (
    200  # of those listed, and of those too large: more than a reader can judge one by one: noise or a wrong region
)

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)


def _agatston_weight(peak_hu: float) -> int:
    """Weight of a lesion by its peak: 130-199 HU 1, 200-299 HU 2, 300-399 HU 3, from 400 HU 4; below 130 HU 0.

    Examples
    --------
    >>> [_agatston_weight(hu) for hu in (129, 130, 199, 200, 299, 300, 399, 400)]
    [0, 1, 1, 2, 2, 3, 3, 4]
    """
    return next((weight for limit, weight in WEIGHTS if peak_hu >= limit), 0)


def _lesion_agatston(area_mm2: float, peak_hu: float, *, slice_mm: float = NOMINAL_SLICE_MM) -> float:
    """Score of one lesion in one slice, area x weight; 0 below 1 mm2 or 130 HU.

    Parameters
    ----------
    area_mm2, peak_hu : float
    slice_mm : float
        Step between slices. The score is defined for 3 mm; other steps are scaled by step / 3 mm, so that thinner
        slices do not score one plaque more often.

    Examples
    --------
    >>> _lesion_agatston(5.0, 250.0), _lesion_agatston(0.99, 500.0), _lesion_agatston(6.0, 130.0, slice_mm=2.5)
    (10.0, 0.0, 5.0)
    """
    if area_mm2 < MIN_AREA_MM2:
        return 0.0
    return area_mm2 * _agatston_weight(peak_hu) * (slice_mm / NOMINAL_SLICE_MM)


def agatston_score(lesions: Iterable[CalciumLesion]) -> float:
    """Agatston score of the lesions that a reader has confirmed as coronary: the sum of area x weight.

    Parameters
    ----------
    lesions : iterable of CalciumLesion
        Each with the score of its one slice.

    Returns
    -------
    float
        Agatston units; 0 without lesions.

    References
    ----------
    Agatston AS et al. J Am Coll Cardiol 1990;15:827-832. doi:10.1016/0735-1097(90)90282-T

    Examples
    --------
    >>> agatston_score([CalciumLesion(3, "", 5.0, 250.0, 10.0), CalciumLesion(4, "", 2.0, 130.0, 2.0)])
    12.0
    """
    return float(sum(lesion.agatston for lesion in lesions))


@dataclass(frozen=True, slots=True, eq=False)
class CandidateSearch:
    """What was found: the candidates, the structures too large to be listed, and a picture of each.

    Parameters
    ----------
    candidates : tuple of CalciumCandidate
        From superior to inferior.
    large_structures : tuple of LargeStructure
        Connected structures above MAX_VOLUME_MM3 or MAX_EXTENT_MM; each can touch or contain a candidate.
    key_images : tuple of KeyImage
        One a candidate and one a large structure.
    """

    candidates: tuple[CalciumCandidate, ...]
    large_structures: tuple[LargeStructure, ...]
    key_images: tuple[KeyImage, ...]

    @property
    def large_structure_count(self) -> int:
        return len(self.large_structures)


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """One connected area in one slice: the flat indices of its pixels."""

    slice_index: int
    pixels: npt.NDArray[np.intp]
    peak_hu: float


def find_candidates(hu: Volume, geometry: Geometry, sop_instance_uids: Sequence[str]) -> CandidateSearch:
    """Find every structure that could be coronary calcium; a reader decides which are.

    Lesions are connected by 8 neighbours within a slice; lesions of neighbouring slices belong to one candidate where
    they share a pixel.

    Parameters
    ----------
    hu : float32 array, (z, y, x)
        HU, of a volume that passed the protocol gate.
    geometry : Geometry
        Of the volume.
    sop_instance_uids : sequence of str, (z,)
        One per slice.

    Returns
    -------
    CandidateSearch
        Candidates, and what is too large to be one, each numbered from superior to inferior.

    Raises
    ------
    Refusal
        TOO_MANY_CANDIDATES.

    References
    ----------
    Agatston AS et al. J Am Coll Cardiol 1990;15:827-832. doi:10.1016/0735-1097(90)90282-T

    Examples
    --------
    >>> hu = np.full((3, 32, 32), -50, dtype=np.float32)
    >>> hu[1, 10:12, 20:22] = 350
    >>> grid = Geometry((3, 32, 32), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> (found,) = find_candidates(hu, grid, ["1.1", "1.2", "1.3"]).candidates
    >>> found.sop_instance_uid, found.area_mm2, found.peak_hu, found.agatston
    ('1.2', 4.0, 350.0, 12.0)
    """
    step_mm, row_mm, column_mm = geometry.spacing_zyx_mm
    regions, links = _regions(hu, pixel_mm2=row_mm * column_mm)
    groups = _groups(regions, links)
    by_size: dict[bool, list[list[_Region]]] = {True: [], False: []}
    for group in groups:
        by_size[_is_listed(group, hu.shape[2], geometry)].append(group)
    for found in by_size.values():
        if len(found) > MAX_CANDIDATES:
            sentence = f"{len(found)} structures of at least 130 HU were found, more than a reader can judge"
            raise Refusal("TOO_MANY_CANDIDATES", sentence)
    candidates, large, images = [], [], []
    for number, centroid, group in _placed(by_size[True], geometry):
        lesions = tuple(_lesion(region, sop_instance_uids, row_mm * column_mm, step_mm) for region in group)
        candidate = _candidate(number, centroid, group, lesions, hu, step_mm)
        candidates.append(candidate)
        images.append(_key_image(f"Candidate {number}", candidate, group, hu, geometry))
    for number, centroid, group in _placed(by_size[False], geometry):
        structure = _large_structure(number, centroid, group, sop_instance_uids, geometry)
        large.append(structure)
        images.append(_key_image(f"Too large to be listed, {number}", structure, group, hu, geometry))
    return CandidateSearch(tuple(candidates), tuple(large), tuple(images))


def _placed(
    groups: list[list[_Region]], geometry: Geometry
) -> Iterable[tuple[int, tuple[float, float, float], list[_Region]]]:
    """Number, centroid and regions, from superior to inferior: by falling z, then y, then x of the centroid."""
    columns = geometry.shape_zyx[2]
    placed = [(_centroid(group, columns, geometry), group) for group in groups]
    placed.sort(key=lambda one: one[0][::-1], reverse=True)
    return ((number, centroid, group) for number, (centroid, group) in enumerate(placed, start=1))


def _area_mm2(pixel_count: int, pixel_mm2: float) -> float:
    # Rounded, so that an area of exactly 1 mm2 counts whatever binary fractions the pixel spacing has.
    return round(pixel_count * pixel_mm2, 6)


def _lesion(region: _Region, sop_instance_uids: Sequence[str], pixel_mm2: float, step_mm: float) -> CalciumLesion:
    area_mm2 = _area_mm2(region.pixels.size, pixel_mm2)
    agatston = _lesion_agatston(area_mm2, region.peak_hu, slice_mm=step_mm)
    return CalciumLesion(region.slice_index, sop_instance_uids[region.slice_index], area_mm2, region.peak_hu, agatston)


def _regions(hu: Volume, *, pixel_mm2: float) -> tuple[list[_Region], list[tuple[int, int]]]:
    """All lesions of all slices, and the pairs of them that touch across neighbouring slices."""
    regions: list[_Region] = []
    links: list[tuple[int, int]] = []
    previous = np.full(hu[0].size, -1)
    for slice_index, plane in enumerate(hu):
        labels, count = ndimage.label(plane >= THRESHOLD_HU, _EIGHT_NEIGHBOURS)
        numbers = np.full(count + 1, -1)
        values = plane.ravel()
        for label, pixels in _pixels_by_label(labels.ravel()):
            if _area_mm2(pixels.size, pixel_mm2) >= MIN_AREA_MM2:
                numbers[label] = len(regions)
                regions.append(_Region(slice_index, pixels, float(values[pixels].max())))
        current = numbers[labels.ravel()]
        touching = (current >= 0) & (previous >= 0)
        links += sorted(set(zip(previous[touching].tolist(), current[touching].tolist(), strict=True)))
        previous = current
    return regions, links


def _pixels_by_label(labels: npt.NDArray[np.integer]) -> Iterable[tuple[int, npt.NDArray[np.intp]]]:
    marked = np.flatnonzero(labels)
    marked = marked[np.argsort(labels[marked], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[marked], prepend=0))
    return ((int(labels[part[0]]), part) for part in np.split(marked, starts[1:]) if part.size)


def _groups(regions: list[_Region], links: list[tuple[int, int]]) -> list[list[_Region]]:
    size = len(regions)
    if size == 0:
        return []
    above, below = np.array(links, dtype=np.intp).reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(links)), (above, below)), shape=(size, size))
    count, group_of = sparse.csgraph.connected_components(graph, directed=False)
    groups: list[list[_Region]] = [[] for _ in range(count)]
    for region, group in zip(regions, group_of, strict=True):
        groups[group].append(region)
    return groups


def _is_listed(group: list[_Region], columns: int, geometry: Geometry) -> bool:
    step_mm, row_mm, column_mm = geometry.spacing_zyx_mm
    voxels = sum(region.pixels.size for region in group)
    if voxels * step_mm * row_mm * column_mm > MAX_VOLUME_MM3:
        return False
    places = np.concatenate([region.pixels for region in group])
    extent = np.ptp(places // columns) * row_mm, np.ptp(places % columns) * column_mm
    return bool(max(extent) <= MAX_EXTENT_MM)


def _centroid(group: list[_Region], columns: int, geometry: Geometry) -> tuple[float, float, float]:
    places = np.concatenate([region.pixels for region in group])
    slices = np.concatenate([np.full(region.pixels.size, region.slice_index) for region in group])
    return geometry.position_xyz_mm(slices.mean(), (places // columns).mean(), (places % columns).mean())


def _candidate(
    number: int,
    centroid: tuple[float, float, float],
    group: list[_Region],
    lesions: tuple[CalciumLesion, ...],
    hu: Volume,
    step_mm: float,
) -> CalciumCandidate:
    peak = _peak(group)
    row, column = _peak_place(peak, hu)
    return CalciumCandidate(
        number=number,
        slice_index=peak.slice_index,
        sop_instance_uid=lesions[group.index(peak)].sop_instance_uid,
        row=row,
        column=column,
        position_xyz_mm=centroid,
        area_mm2=sum(lesion.area_mm2 for lesion in lesions if lesion.slice_index == peak.slice_index),
        peak_hu=peak.peak_hu,
        volume_mm3=sum(lesion.area_mm2 for lesion in lesions) * step_mm,
        agatston=agatston_score(lesions),
        lesions=lesions,
        key_image=f"calcium-{number}",
    )


def _large_structure(
    number: int,
    centroid: tuple[float, float, float],
    group: list[_Region],
    sop_instance_uids: Sequence[str],
    geometry: Geometry,
) -> LargeStructure:
    peak, slices = _peak(group), [region.slice_index for region in group]
    voxels = sum(region.pixels.size for region in group)
    return LargeStructure(
        number=number,
        slice_index=peak.slice_index,
        first_slice_index=min(slices),
        last_slice_index=max(slices),
        sop_instance_uid=sop_instance_uids[peak.slice_index],
        position_xyz_mm=centroid,
        peak_hu=peak.peak_hu,
        volume_mm3=voxels * float(np.prod(geometry.spacing_zyx_mm)),
        key_image=f"large-{number}",
    )


def _peak(group: list[_Region]) -> _Region:
    return max(group, key=lambda region: region.peak_hu)


def _peak_place(peak: _Region, hu: Volume) -> tuple[int, int]:
    """Row and column of the highest voxel."""
    values = hu[peak.slice_index].ravel()[peak.pixels]
    row, column = divmod(int(peak.pixels[int(values.argmax())]), hu.shape[2])
    return row, column


def _key_image(
    title: str, shown: CalciumCandidate | LargeStructure, group: list[_Region], hu: Volume, geometry: Geometry
) -> KeyImage:
    plane = hu[shown.slice_index]
    mask = np.zeros(plane.size, dtype=np.bool_)
    for region in group:
        if region.slice_index == shown.slice_index:
            mask[region.pixels] = True
    center, width = CALCIUM_WINDOW_HU
    caption = (
        f"{title}, slice {shown.slice_index + 1} of {hu.shape[0]}, peak "
        f"{shown.peak_hu:.0f} HU, window {center:g} / {width:g} HU, {edges(geometry)}"
    )
    pixels = outlined_crop(plane, mask.reshape(plane.shape), _peak_place(_peak(group), hu), geometry)
    return KeyImage(shown.key_image, caption, shown.sop_instance_uid, shown.slice_index, center, width, pixels)
