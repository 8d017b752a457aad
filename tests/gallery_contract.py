"""What every store of a gallery promises, whatever it is made of: each is put to these tests beside plain brute force."""

import dataclasses
import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pytest
from memory_store import MemoryStore
from numpy.typing import NDArray

from reid.errors import GalleryError, ReidError
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.store import MAX_HITS, About, Store

DIMENSION = 8
ABOUT = About(DIMENSION, "f" * 64, {"input": [16, 16], "normalise": "slices"})
CLOSE = 2e-6
"""By how much a cosine may differ that was added up in another order."""

ODD = [
    "/a b/with space.jpg",
    "/quotes/\"double\" 'single' `back`.jpg",
    "/back\\slash\\n.jpg",
    "/per%cent/50%_off_%s.jpg",
    "/new\nline\tand\ttab\r.jpg",
    "/é車😀/ß\u2028\u202e.jpg",
    "/e\u0301 is not é.jpg",
    "/undecodable \udcff\udc80.jpg",
    "/marks ^5e; ^22; $1 {x} [y] ;--.jpg",
    "/" + "long/" * 700 + "x.jpg",
    "relative/x.jpg",
    "/control \x01\x7f\x85.jpg",
]


class Place(Protocol):
    """Where galleries of one kind are made."""

    def create(self, about: About) -> Store:
        """A new, empty gallery."""
        ...

    def reopen(self, store: Store) -> Store:
        """The same gallery, closed and opened again."""
        ...


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Vectors of unit length."""
    made = np.random.default_rng(seed).standard_normal((count, dimension))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def images(count: int, first: int = 0) -> list[Entry]:
    """Images of which some know nothing, in folders whose names begin alike, with a few values of everything."""
    return [
        Entry(f"/crops/{n}.jpg", sha256=f"{n:064x}")
        if n % 10 == 9
        else Entry(
            f"/crops/{['street', 'street-1', 'street1', 'Street'][n % 4]}/{n}.jpg",
            identity=None if n % 11 == 0 else f"car-{n % 5}",
            camera=None if n % 13 == 0 else n % 7,
            time=None if n % 17 == 0 else 10.0 * n - 50,
            source=f"source-{n % 3}",
            box=(0, 0, 4, n + 1) if n % 2 else None,
            sha256=f"{n:064x}" if n % 5 else "",
        )
        for n in range(first, first + count)
    ]


class Twin:
    """A store and brute force that are told the same, and must answer the same; ids differ, so paths are compared."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.plain = MemoryStore(store.about.dimension, store.about.model, precision=store.about.precision)
        self.ids: dict[int, int] = {}

    def add(self, entries: Sequence[Entry], vectors: NDArray[np.float32]) -> list[int | None]:
        """To both; the ids of the store."""
        pictures = [None if n % 3 == 0 else b"\xff\xd8 of %d" % n for n in range(len(entries))]
        ids, plain = self.store.add(entries, vectors, pictures), self.plain.add(entries, vectors, pictures)
        assert [one is None for one in ids] == [one is None for one in plain]
        self.ids |= {ours: theirs for ours, theirs in zip(plain, ids, strict=True) if ours is not None}
        return ids

    def label(self, where: Where, identity: str | None) -> None:
        """In both; those that have the identity already may be counted or not."""
        new = sum(image.identity != identity for image in self.plain.entries(where))
        changed = self.store.label(self.translated(where), identity)
        assert changed in {new, self.plain.label(where, identity)}

    def translated(self, where: Where) -> Where:
        """The condition with the store's ids."""
        return where if where.ids is None else where.but(ids=tuple(self.ids.get(one, 10**9 + one) for one in where.ids))

    def expected(self, image: Stored) -> Stored:
        """An image of brute force with the store's id."""
        return dataclasses.replace(image, id=self.ids[image.id])

    def agree(self, where: Where, queries: NDArray[np.float32] | None = None, count: int = 7) -> None:
        """Both have the same images of a condition, and find the same ones."""
        of_store = self.translated(where)
        assert list(self.store.entries(of_store)) == [self.expected(one) for one in self.plain.entries(where)], where
        if queries is not None:
            found = self.store.nearest(queries, count, of_store)
            for hits, right in zip(found, self.plain.nearest(queries, count, where), strict=True):
                assert [image for image, _ in hits] == [self.expected(image) for image, _ in right], where
                np.testing.assert_allclose([score for _, score in hits], [score for _, score in right], atol=CLOSE)


PARTS = {
    "cameras": [None, (0,), (1, 2, 6), (99,), ()],
    "not_cameras": [(), (3,), (0, 1, 2, 3, 4)],
    "since": [None, -20.0, 0, 200.5],
    "until": [None, 0, 500.0, -1e12, 1e300],
    "identities": [None, ("car-1",), (None,), ("car-2", None, "nobody"), (), ("car-%",)],
    "sources": [None, ("source-1",), ("source-0", "source-2"), ("",), ()],
    "paths": [
        None,
        ("/crops/street",),
        ("/crops/street/", "/crops/9.jpg"),
        ("/",),
        ("/crops/stree",),
        ("/nowhere",),
        (),
    ],
    "ids": [None, tuple(range(1, 60)), (7, 7, 3, 2**61), ()],
}


def conditions(count: int) -> list[Where]:
    """Every value of every part alone, and `count` combinations of several."""
    alone = [Where(**{name: value}) for name, values in PARTS.items() for value in values]
    draw = np.random.default_rng(5)
    mixed = []
    for _ in range(count):
        names = draw.choice(list(PARTS), size=int(draw.integers(2, 5)), replace=False)
        mixed.append(Where(**{name: PARTS[name][int(draw.integers(len(PARTS[name])))] for name in names.tolist()}))
    return alone + mixed


class StoreContract:
    """Tests for a store; who inherits them has a fixture `place`."""

    @pytest.fixture
    def store(self, place: Place):
        """An empty gallery."""
        made = place.create(ABOUT)
        yield made
        made.close()

    @pytest.fixture
    def twin(self, store):
        """A hundred images in a store and in brute force."""
        made = Twin(store)
        made.add(images(100), unit(100))
        return made

    def test_it_tells_what_it_was_made_of(self, place):
        """With an identity of its own and a date."""
        one, other = place.create(ABOUT), place.create(ABOUT)

        for made in (one, other):
            assert (made.about.dimension, made.about.model, made.about.precision) == (DIMENSION, "f" * 64, "float32")
            assert made.about.created
            assert int(made.about.uuid, 16) >= 0
        one.close()
        other.close()

    def test_images_come_back_as_they_were_added(self, store):
        """In the order of their ids, which go up from 1 or above, batch after batch."""
        first = store.add(images(20), unit(20), [None] * 20)
        second = store.add(images(20, 20), unit(20), [None] * 20)
        ids = first + second

        assert ids == sorted(set(ids))
        assert ids[0] >= 1
        assert list(store.entries(Where())) == [
            Stored(**{**dataclasses.asdict(entry), "id": image}) for entry, image in zip(images(40), ids, strict=True)
        ]

    def test_any_text_and_number_comes_back(self, store):
        """And can be searched for."""
        entries = [
            Entry(path, identity=path, camera=0, time=-1.5, source=path, sha256=f"{n:064x}")
            for n, path in enumerate(ODD)
        ]
        entries += [
            Entry("/empty.jpg", identity=""),
            Entry("/none.jpg", identity=None),
            Entry("/large.jpg", camera=2**62 - 1, time=1772355600.123457, box=(-3, 0, 2**31, 7)),
            Entry("/small.jpg", camera=0, time=0.0, box=(0, 0, 1, 1)),
            Entry("/tiny.jpg", time=5e-300),
        ]
        twin = Twin(store)
        twin.add(entries, unit(len(entries)))

        twin.agree(Where())
        for text in ODD:
            twin.agree(Where(paths=(text,)))
            twin.agree(Where(identities=(text,), sources=(text,)), unit(1, 3))
        for where in (
            Where(identities=("",)),
            Where(identities=(None,)),
            Where(cameras=(2**62 - 1,)),
            Where(since=0, until=1e-299),
            Where(since=1772355600.123457, until=1772355600.123458),
            Where(since=1772355600.123458),
            Where(paths=("/é車😀", "relative", "/" + "long/" * 700)),
        ):
            twin.agree(where)

    def test_content_is_there_once(self, store):
        """Whether it comes twice in a batch or in two; without a digest nothing is known to be the same."""
        one, two, three = (Entry(f"/{n}.jpg", sha256=f"{n:064x}") for n in range(3))
        unknown = Entry("/unknown.jpg")

        first = store.add([one, two, one, unknown, unknown], unit(5), [b"a", b"b", b"c", None, None])
        again = store.add([two, three, unknown], unit(3), [None] * 3)

        assert [image is None for image in first] == [False, False, True, False, False]
        assert [image is None for image in again] == [True, False, False]
        assert store.counts()["images"] == 6
        assert store.known([one.sha256, "e" * 64, three.sha256, ""]) == {one.sha256, three.sha256}
        assert store.known([]) == set()
        assert store.thumbnail(first[0]) == b"a"

    def test_an_empty_batch_does_nothing(self, store):
        """Nor does an empty gallery know, find or have anything."""
        assert store.add([], unit(0), []) == []
        assert store.nearest(unit(2), 3, Where()) == [[], []]
        assert list(store.entries(Where())) == []
        assert (store.remove(Where()), store.label(Where(), "a")) == (0, 0)
        assert {name: store.counts()[name] for name in ("images", "identities", "cameras")} == dict.fromkeys(
            ("images", "identities", "cameras"), 0
        )

    @pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
    def test_vectors_that_cannot_be_searched_are_refused(self, store, value):
        """The image is named, and nothing of the batch is there."""
        vectors = unit(5)
        vectors[3] = value

        with pytest.raises(GalleryError, match=r"/3\.jpg"):
            store.add(images(5), vectors, [None] * 5)
        assert store.counts()["images"] == 0

    def test_vectors_of_another_length_are_refused(self, store):
        """The length is named, and nothing of the batch is there."""
        with pytest.raises(GalleryError, match="9"):
            store.add(images(2), unit(2, dimension=9), [None] * 2)
        with pytest.raises(GalleryError, match="9"):
            store.nearest(unit(2, dimension=9), 1, Where())
        assert store.counts()["images"] == 0

    @pytest.mark.parametrize("count", [0, -1, MAX_HITS + 1])
    def test_the_number_of_hits_has_limits(self, twin, count):
        """The largest one is allowed, and gives what there is."""
        with pytest.raises(GalleryError, match=r"10,?000"):
            twin.store.nearest(unit(1), count, Where())
        assert len(twin.store.nearest(unit(1), MAX_HITS, Where())[0]) == 100

    def test_queries_without_a_direction_are_refused(self, twin):
        """NaN and infinity."""
        for value in (np.nan, np.inf):
            with pytest.raises(GalleryError):
                twin.store.nearest(np.full((1, DIMENSION), value, np.float32), 1, Where())

    def test_every_condition_means_the_same(self, twin):
        """To entries and to searches, as to a matcher that looks at each image: each part alone, and combinations."""
        for where in conditions(30):
            twin.agree(where, unit(1, 9))

    def test_searches_are_exact(self, twin):
        """Whatever the number of hits and queries."""
        for count, queries in ((1, 1), (10, 25), (99, 2), (100, 2), (101, 1), (1000, 1)):
            twin.agree(Where(), unit(queries, count), count)

    def test_equal_scores_go_by_id(self, store):
        """Also where the last hit is one of many that are equal."""
        vectors = np.repeat(unit(4), 10, axis=0)[np.random.default_rng(1).permutation(40)]
        twin = Twin(store)
        twin.add(images(25), vectors[:25])
        twin.add(images(15, 25), vectors[25:])

        for count in (1, 3, 7, 10, 11, 39, 40):
            twin.agree(Where(), unit(4), count)
        twin.agree(Where(not_cameras=(1, 2)), unit(4), 5)

    def test_vectors_come_in_the_order_of_their_ids(self, twin):
        """As often as they are asked for; an id that is not there is named."""
        ids = [twin.ids[n] for n in (50, 3, 3, 99)]

        np.testing.assert_array_equal(twin.store.vectors(ids), unit(100)[[49, 2, 2, 98]])
        assert twin.store.vectors([]).shape == (0, DIMENSION)
        for missing in (twin.ids[100] + 1, 0, -1, 2**62):
            with pytest.raises(GalleryError, match=f"image {missing}"):
                twin.store.vectors([ids[0], missing])

    def test_thumbnails_come_back(self, store):
        """Whatever their bytes; an image may have none, and one that is not there has none."""
        pictures = [bytes(range(256)) * 20, None, b"", b"\x00"]
        ids = store.add(images(4), unit(4), pictures)

        assert [store.thumbnail(image) for image in ids] == pictures
        assert [store.thumbnail(missing) for missing in (max(ids) + 1, 0, -1, 2**62)] == [None] * 4

    def test_settings_come_back(self, store):
        """Any value that JSON knows, under any name."""
        values = {
            "threshold": 0.25,
            "odd \"name\" of ^ 'é'/%": {"a": [1, 2.5, None, True, '"q" \\ \' é \n'], "": {}},
            "none": None,
            "large": list(range(5000)),
        }
        for name, value in values.items():
            store.set(name, "first")
            store.set(name, value)

        assert {name: store.setting(name) for name in values} == values
        assert store.setting("never set") is None

    def test_removed_images_are_gone(self, twin):
        """From everything that is asked; their content may be added again, under another id."""
        store = twin.store
        gone = [twin.ids[n] for n in (1, 2, 3, 100)]
        digests = [image.sha256 for image in store.entries(Where(ids=tuple(gone)))]
        assert store.known(digests) == {*digests} - {""}

        assert store.remove(Where(ids=(*gone, 10**8))) == 4
        twin.plain.remove(Where(ids=(1, 2, 3, 100)))

        twin.agree(Where(), unit(3), 100)
        assert store.known(digests) == set()
        assert store.remove(Where(ids=tuple(gone))) == 0
        for image in gone:
            assert store.thumbnail(image) is None
            with pytest.raises(GalleryError):
                store.vectors([image])
        again = store.add(images(4), unit(4), [None] * 4)
        assert not {*again} & {*twin.ids.values()}

    @pytest.mark.parametrize(
        "where",
        [
            Where(cameras=(1, 2)),
            Where(not_cameras=(1,), since=100.0),
            Where(identities=(None, "car-3")),
            Where(paths=("/crops/street",), until=300.0),
            Where(sources=("source-1",)),
            Where(cameras=()),
            Where(),
        ],
        ids=str,
    )
    def test_conditions_remove(self, twin, where):
        """Those that they hold for, and no others."""
        assert twin.store.remove(where) == twin.plain.remove(where)
        twin.agree(Where(), unit(2), 50)

    def test_identities_are_given_and_taken(self, twin):
        """Nothing else of the images changes, their vectors and thumbnails neither."""
        thumbnail = twin.store.thumbnail(twin.ids[3])
        for where, identity in (
            (Where(cameras=(2,), until=400.0), 'new "one"'),
            (Where(identities=("car-1", "car-3")), "merged"),
            (Where(identities=(None,)), "known now"),
            (Where(ids=(5, 6)), None),
            (Where(paths=("/nowhere",)), "nobody"),
        ):
            twin.label(where, identity)
            twin.agree(Where(), unit(2), 100)
            twin.agree(Where(identities=(identity,)))
        assert twin.store.thumbnail(twin.ids[3]) == thumbnail
        np.testing.assert_array_equal(twin.store.vectors([twin.ids[n] for n in range(1, 101)]), unit(100))

    def test_counts(self, twin):
        """Images, identities that have a name, images without one, cameras that have a number."""
        for where in (Where(cameras=(1,)), Where(identities=("car-2", None)), Where()):
            found = twin.store.counts()
            assert found["bytes"] >= 0
            assert found | {"bytes": 0} == twin.plain.counts()
            assert twin.store.counts(roughly=True) | {"bytes": 0} == twin.plain.counts()
            twin.store.remove(where)
            twin.plain.remove(where)
            assert twin.store.counts(roughly=True) | {"bytes": 0} == twin.plain.counts(), "a tenth of them went"

    def test_a_limit_ends_the_entries(self, twin):
        """At the first ones by id, also past the end."""
        for limit in (0, 1, 7, 100, 1000):
            twin_ids = [image.id for image in twin.store.entries(Where(), limit=limit)]
            assert twin_ids == [twin.ids[n] for n in range(1, min(limit, 100) + 1)]
        some = [image.camera for image in twin.store.entries(Where(cameras=(3,)), limit=5)]
        assert some == [3] * 5

    def test_everything_is_there_after_reopening(self, place):
        """And no id is given again, though the last ones were removed."""
        store = place.create(ABOUT)
        twin = Twin(store)
        twin.add(images(30), unit(30))
        store.set("threshold", 0.5)
        last = twin.ids[30]
        store.remove(Where(ids=(last,)))
        twin.plain.remove(Where(ids=(30,)))
        about, thumbnail = store.about, store.thumbnail(twin.ids[2])

        twin.store = place.reopen(store)

        twin.agree(Where(), unit(3), 30)
        assert twin.store.about == about
        assert twin.store.setting("threshold") == 0.5
        assert twin.store.thumbnail(twin.ids[2]) == thumbnail
        (after,) = twin.store.add(images(1, 30), unit(1), [None])
        assert after > last
        twin.store.close()

    def test_settling_changes_nothing(self, twin):
        """That is found."""
        twin.store.settle()
        twin.agree(Where(), unit(3), 20)
        twin.add(images(30, 100), unit(30, 7))
        twin.agree(Where(cameras=(1, 2)), unit(3), 20)

    def test_half_precision_keeps_what_it_can(self, place):
        """Vectors of a gallery of float16 are near those that were added, and the order is that of brute force."""
        store = place.create(dataclasses.replace(ABOUT, precision="float16"))
        twin = Twin(store)
        twin.add(images(40), unit(40))

        np.testing.assert_allclose(store.vectors(list(twin.ids.values())), unit(40), atol=1e-3)
        for hits, right in zip(
            store.nearest(unit(3, 4), 10, Where()), twin.plain.nearest(unit(3, 4), 10, Where()), strict=True
        ):
            np.testing.assert_allclose([score for _, score in hits], [score for _, score in right], atol=1e-3)
        store.close()

    def test_a_history_of_changes(self, twin):
        """Adding, removing and labelling in any order leaves what brute force has."""
        draw = np.random.default_rng(11)
        wheres = conditions(10)
        for step in range(12):
            where = wheres[int(draw.integers(len(wheres)))]
            match int(draw.integers(3)):
                case 0:
                    first = 100 + 10 * int(draw.integers(6))
                    twin.add(images(10, first), unit(10, step))
                case 1:
                    where = where.but(cameras=(int(draw.integers(7)),))
                    assert twin.store.remove(twin.translated(where)) == twin.plain.remove(where)
                case _:
                    name = f"car-{int(draw.integers(8))}"
                    twin.label(where, name)
            twin.agree(Where(), unit(1, step), 20)

    def test_threads_may_do_anything_at_once(self, twin):
        """Readers see whole images while others add, label and remove; in the end everything is there."""
        problems: list[BaseException] = []
        done = threading.Event()

        def guarded(work) -> None:
            try:
                work()
            except (ReidError, AssertionError, ValueError, TypeError, KeyError) as error:
                problems.append(error)

        def read() -> None:
            while not done.is_set():
                hits = twin.store.nearest(unit(2), 5, Where(cameras=(1, 2, 3)))
                assert all(image.camera in {1, 2, 3} and -1 <= score <= 1 for row in hits for image, score in row)
                assert all(image.path.startswith("/") for image in twin.store.entries(Where(sources=("source-1",))))

        def write(first: int) -> None:
            for start in range(first, first + 30, 10):
                twin.store.add(images(10, start), unit(10, start), [b"x"] * 10)
            twin.store.label(Where(sources=("source-2",)), "labelled")

        readers = [threading.Thread(target=guarded, args=(read,)) for _ in range(2)]
        writers = [threading.Thread(target=guarded, args=(lambda n=n: write(n),)) for n in (200, 300)]
        for thread in (*readers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in readers:
            thread.join()

        assert problems == []
        assert twin.store.counts()["images"] == 160
        ids = [image.id for image in twin.store.entries(Where())]
        assert ids == sorted(set(ids))
        assert {image.identity for image in twin.store.entries(Where(sources=("source-2",)))} == {"labelled"}
