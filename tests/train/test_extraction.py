"""Features of a set of images, by one process or several."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import ranks
import small_runs
import torch
from numpy.typing import NDArray

from reid.data.picture_cache import PictureCache
from reid.records import Records
from reid.train.divider import Divider
from reid.train.extraction import TrainingFeatures, extract
from reid.train.group import Group
from reid.train.plan import Plan
from reid.train.stopping import Stopping, StopRequested


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """300 images, of which many are the same: three batches, the last of them smaller."""
    made = small_runs.patches(tmp_path_factory.mktemp("patches"), identities=6, each=5)
    return made.select(np.arange(300) % len(made))


def _plan(records: Records, group: Group, learners: int = 2) -> Plan:
    plan = small_runs.plan(records, learners=learners)
    return replace(plan, learning=replace(plan.learning, group=group))


def _ignore() -> None:
    pass


def test_features_are_those_of_deployment(records: Records) -> None:
    """Of every image in order, in evaluation mode, without chance."""
    plan, few = _plan(records, Group()), records.select(np.array([4, 2, 0]))
    network = plan.learning.network.train()
    found = extract(plan, few, "embedding", network, _ignore)
    pictures = np.stack([cv2.imread(str(path))[:, :, ::-1] for path in few.files()])

    assert not network.training
    np.testing.assert_allclose(found, network(torch.from_numpy(pictures)).detach().numpy(), atol=1e-5)


def test_pictures_kept_for_training_are_used(records: Records) -> None:
    """Features are the same with a cache, which is filled by them; of other images, it is left alone."""
    plain = _plan(records, Group())
    cache = PictureCache.make(len(records), (small_runs.SIZE, small_runs.SIZE), 10**6)
    kept = replace(plain, augmented=replace(plain.augmented, cache=cache))
    found = [extract(plan, plan.train, "pooled", plain.learning.network, _ignore) for plan in (plain, kept, kept)]
    few = records.select(np.array([4, 2, 0]))
    first, other = (extract(plan, few, "pooled", plain.learning.network, _ignore) for plan in (plain, kept))

    assert cache.there.all()
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    assert (first == other).all()


def _extracted(group: Group, records: Records) -> list[NDArray[np.float32]]:
    plan = _plan(records, group)
    for module in plan.learning.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.add_(group.rank)  # as after training, in which each process saw other images
    few = records.select(np.array([3, 5]))
    return [extract(plan, part, "pooled", plan.learning.network, _ignore) for part in (records, few)]


@pytest.mark.parametrize("world", [2, 3])
def test_features_do_not_depend_on_the_number_of_processes(records: Records, world: int) -> None:
    """Bit for bit those of one process, with the first process's statistics, also where the others have no images."""
    [wanted] = ranks.run(1, _extracted, records)
    first, *others = ranks.run(world, _extracted, records)

    assert [len(features) for features in wanted] == [300, 2]
    assert [features.tolist() for features in first] == [features.tolist() for features in wanted]
    assert all(len(features) == 0 for theirs in others for features in theirs)


def _asked_to_stop(group: Group, records: Records) -> str:
    stopping = Stopping()
    if group.rank != 1:
        stopping.request()
    plan = _plan(records, group)
    try:
        extract(plan, records, "pooled", plan.learning.network, stopping.check)
    except StopRequested:
        return "stopped"
    return "done"


def test_extraction_is_left_when_asked_to(records: Records) -> None:
    """One process leaves after a batch; of several, whoever is asked leaves, and the first one too if it was waiting
    for those who did."""
    assert ranks.run(1, _asked_to_stop, records) == ["stopped"]
    ended = ranks.start(3, _asked_to_stop, records).end()

    assert [one.value for one in ended if one.value == "stopped"] == ["stopped"] * 2


@pytest.mark.parametrize(("partition", "learners", "wanted"), [("kmeans", 2, 1), ("kmeans", 1, 0), ("random", 2, 0)])
def test_features_are_extracted_where_they_are_needed(
    records: Records, monkeypatch: pytest.MonkeyPatch, partition: str, learners: int, wanted: int
) -> None:
    """A single process when they are asked for; several beforehand, together, unless nobody will ask."""
    plan = replace(_plan(records, Group(), learners), divider=Divider(learners, 3, 0, partition=partition))
    asked = TrainingFeatures(plan, learners, _ignore)
    assert (asked.seconds, asked._found) == (0.0, None)
    assert asked().shape[0] == 300
    assert asked.seconds > 0
    monkeypatch.setattr(Group, "world", 2)
    monkeypatch.setattr(Group, "stretch", lambda _self, count, _unit: slice(0, count))
    together = TrainingFeatures(plan, learners, _ignore)

    assert (together._found is not None) == bool(wanted)
