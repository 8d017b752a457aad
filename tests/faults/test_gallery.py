"""FAULTS: the index and the gallery. Killed processes, damaged files, full disks."""

import errno
import itertools
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import damage
import galleries
import pytest

from reid.errors import ArtefactError, ReidError
from reid.gallery.embedded.repairing import repair
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.seal import SEAL
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.filters import Where

Model = dict[str, str | None]
"""sha256 of every image, and its identity."""


def change(store: EmbeddedStore | None, model: Model, number: int) -> Model:
    """Change number so-and-so of a gallery, and what must be there afterwards; without a gallery, only the latter."""
    chance, after = random.Random(number), dict(model)
    kind = chance.choice(["add", "add", "add", "remove", "label", "compact", "search"])
    first, camera = chance.randrange(0, 200), chance.randrange(7)
    among = {entry.sha256: entry for entry in galleries.entries(240)}
    if kind == "add":
        batch = galleries.entries(20, first)
        after = {**{entry.sha256: entry.identity for entry in batch}, **after}
        if store:
            store.add(batch, galleries.unit(240)[first : first + 20], [b"p%d" % n for n in range(20)])
    elif kind == "remove":
        after = {digest: name for digest, name in after.items() if among[digest].camera != camera}
        if store:
            store.remove(Where(cameras=(camera,)))
    elif kind == "label":
        after = {digest: "new" if among[digest].camera == camera else name for digest, name in after.items()}
        if store:
            store.label(Where(cameras=(camera,)), "new")
    elif store:
        store.compact() if kind == "compact" else store.nearest(galleries.unit(2), 5, Where())
    return after


def standing(folder: Path) -> Model:
    """What a gallery holds; every image is found by its own vector, and nothing is wrong."""
    store = EmbeddedStore(folder)
    try:
        assert store.check() == []
        images = list(store.entries(Where()))
        if images:
            vectors = store.vectors([image.id for image in images])
            found = store.nearest(vectors, 1, Where())
            assert [hits[0][0].sha256 for hits in found] == [image.sha256 for image in images]
            wanted = galleries.unit(240)
            assert all((row == wanted[int(i.sha256, 16)]).all() for i, row in zip(images, vectors, strict=True))
            assert all(store.thumbnail(image.id) is not None for image in images)
        return {image.sha256: image.identity for image in images}
    finally:
        store.close()


def kill_at_random(folder: Path, rounds: int, seed: int) -> None:
    """Kill processes that change a gallery; what was acknowledged is there, and of what was going on, all or nothing."""
    EmbeddedStore.create(folder, galleries.about()).close()
    chance, model, number = random.Random(seed), Model(), 0
    for _ in range(rounds):
        done, mine = os.pipe()
        child = os.fork()
        if not child:
            try:
                store, kept = EmbeddedStore(folder), model
                for at in itertools.count(number):
                    kept = change(store, kept, at)
                    os.write(mine, b".")
            finally:
                os._exit(1)
        os.close(mine)
        time.sleep(chance.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL, "the process failed by itself"
        acknowledged = len(os.read(done, 1 << 20))
        os.close(done)
        for _ in range(acknowledged):
            model, number = change(None, model, number), number + 1
        found = standing(folder)
        if found != model:
            model, number = change(None, model, number), number + 1
        assert found == model


def test_killed_at_any_moment(tmp_path):
    """H3: adding, removing, labelling, compacting and searching."""
    kill_at_random(tmp_path / "g", 15, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_at_any_moment_a_thousand_times(tmp_path):
    """H3, in full."""
    kill_at_random(tmp_path / "g", 1000, seed=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A gallery that was closed, with what it answers."""
    store = galleries.filled(tmp_path_factory.mktemp("whole") / "g", 60)
    store.remove(Where(ids=(3, 4)))
    content, hits = galleries.content(store), store.nearest(galleries.unit(3, seed=4), 10, Where())
    filtered = store.nearest(galleries.unit(3, seed=4), 10, Where(cameras=(1, 2), since=0.0, until=1800.0))
    store.close()
    return store.folder, (content, hits, filtered)


def answers(folder: Path) -> object:
    """All that a gallery says, or None where it says that it is damaged."""
    try:
        store = EmbeddedStore(folder)
    except ReidError:
        return None
    try:
        content, hits = galleries.content(store), store.nearest(galleries.unit(3, seed=4), 10, Where())
        return (
            content,
            hits,
            store.nearest(galleries.unit(3, seed=4), 10, Where(cameras=(1, 2), since=0.0, until=1800.0)),
        )
    except ReidError:
        return None
    finally:
        store.close()


def damaged(whole: Path, place: Path, name: str, content: bytes) -> Path:
    """A copy in which one file is another."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    (place / name).write_bytes(content)
    return place


def damage_files(whole, place: Path, count: int) -> dict[str, int]:
    """Damage every file of a gallery in every way; how many damaged galleries of each said nothing but answered right."""
    folder, right = whole
    silent = dict[str, int]()
    for name in (CATALOGUE, SEAL, "vectors-000001.bin"):
        for mutant in damage.mutants((folder / name).read_bytes(), count, seed=len(name)):
            found = answers(damaged(folder, place, name, mutant))
            assert found is None or found == right, name
            silent[name] = silent.get(name, 0) + (found is not None)
    return silent


def test_damaged_files_never_answer_wrongly(whole, tmp_path):
    """H1, H5: an error or the right answer, whatever changed in whichever file; and never a crash."""
    silent = damage_files(whole, tmp_path / "g", 60)

    assert silent[SEAL] == 60  # it is derived


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ten_thousand_damaged_files(whole, tmp_path):
    """H1, H5, in full."""
    damage_files(whole, tmp_path / "g", 3400)


@pytest.mark.parametrize("name", [CATALOGUE, SEAL, "vectors-000001.bin", "lock"])
def test_files_that_are_gone_cut_or_anothers(whole, tmp_path, name):
    """Each file deleted, emptied, cut off in the middle, and taken from another gallery: an error, or the right answer."""
    folder, right = whole
    other = galleries.filled(tmp_path / "other", 60)
    other.close()
    content, place = (folder / name).read_bytes(), tmp_path / "g"
    for part in (b"", content[: len(content) // 2], (other.folder / name).read_bytes()):
        cases = [answers(damaged(folder, place, name, part))]
        assert all(case is None or case == right for case in cases)
    shutil.rmtree(place)
    shutil.copytree(folder, place)
    (place / name).unlink()
    found = answers(place)
    assert (found == right) if name in {SEAL, "lock"} else (found is None)


def test_messages_say_which_file_and_what_to_do(whole, tmp_path):
    """A damaged row, vector, and beginning of a file."""
    folder, _ = whole
    vectors = bytearray((folder / "vectors-000001.bin").read_bytes())
    vectors[-1] ^= 1
    store = EmbeddedStore(damaged(folder, tmp_path / "g", "vectors-000001.bin", bytes(vectors)))
    with pytest.raises(ArtefactError, match=r"those of images 60:.*reid-gallery check with --repair"):
        store.nearest(galleries.unit(1), 1, Where())
    assert store.check() == [f"{tmp_path / 'g' / 'vectors-000001.bin'}: the vector of image 60 is corrupt"]
    store.close()
    catalogue = (folder / CATALOGUE).read_bytes().replace(b"/crops/0/0.jpg", b"/crops/0/9.jpg")
    with pytest.raises(ArtefactError, match=r"the row of image 1 is corrupt.*reid-gallery check with --repair"):
        EmbeddedStore(damaged(folder, tmp_path / "g", CATALOGUE, catalogue))


def test_repair_keeps_every_whole_image(whole, tmp_path):
    """A damaged row and a damaged vector cost their two images; all others keep ids, vectors and pictures."""
    folder, (content, _, _) = whole
    catalogue = (folder / CATALOGUE).read_bytes().replace(b"/crops/0/0.jpg", b"/crops/0/9.jpg")
    place = damaged(folder, tmp_path / "g", CATALOGUE, catalogue)
    vectors = bytearray((folder / "vectors-000001.bin").read_bytes())
    vectors[-1] ^= 1
    (place / "vectors-000001.bin").write_bytes(vectors)
    repaired = repair(place)
    store = EmbeddedStore(place)

    assert (repaired.images, repaired.lost) == (56, 2)
    assert repaired.old.is_dir()
    assert store.check() == []
    assert galleries.content(store) == content[1:-1]
    assert store.add(galleries.entries(1, 500), galleries.unit(1)) == [61]
    store.close()


def test_repair_saves_what_it_can(whole, tmp_path):
    """Whatever was damaged: the repaired gallery is whole and holds only images of the old one, or it is said that none can be saved."""
    folder, (content, _, _) = whole
    right, saved = {image.id: (image, *rest) for image, *rest in content}, 0
    for number, mutant in enumerate(damage.mutants((folder / CATALOGUE).read_bytes(), 30, seed=5)):
        place = damaged(folder, tmp_path / f"g{number}", CATALOGUE, mutant)
        try:
            repair(place)
        except ReidError:
            continue
        store = EmbeddedStore(place)
        assert store.check() == []
        for image, vector, picture in galleries.content(store):
            wanted = right[image.id]
            assert (replace(image, source=wanted[0].source), vector) == wanted[:2]
            assert picture in {None, wanted[2]}
            saved += 1
        store.close()
    assert saved > 8 * len(right)


def test_a_full_disk(tmp_path, monkeypatch):
    """H14: nothing of the batch is there, and the next one is added."""
    store = galleries.filled(tmp_path / "g")
    before, write = galleries.content(store), os.pwrite

    def fail(descriptor, content, place):
        write(descriptor, content[: len(content) // 2], place)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(ArtefactError, match="No space left"):
        store.add(galleries.entries(20, 100), galleries.unit(20))
    monkeypatch.undo()

    assert galleries.content(store) == before
    assert store.add(galleries.entries(20, 100), galleries.unit(20, seed=8)) == list(range(31, 51))
    assert store.check() == []
    store.close()


def test_the_size_of_a_database_is_limited(tmp_path):
    """H14, where SQLite is the one who finds no room."""
    store = galleries.filled(tmp_path / "g")
    before, connection = galleries.content(store), store._connections.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(ArtefactError, match="what was acknowledged is whole"):
        store.add(galleries.entries(1000, 1000), galleries.unit(1000))
    connection.execute("PRAGMA max_page_count = 1000000")

    assert galleries.content(store) == before
    assert len([i for i in store.add(galleries.entries(1000, 1000), galleries.unit(1000)) if i]) == 1000
    assert store.check() == []
    store.close()


def test_a_newer_gallery(whole, tmp_path):
    """H16: says so, and that nothing is damaged."""
    import sqlite3

    place = damaged(whole[0], tmp_path / "g", "lock", b"")
    with sqlite3.connect(place / CATALOGUE) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(ReidError, match=r"format 9.*install a newer reid-toolkit"):
        EmbeddedStore(place)
