from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from reid.data.synthetic.plan import make_plan

PLANS = st.builds(
    make_plan,
    st.integers(0, 5),
    st.sampled_from(["vehicle", "person"]),
    identities=st.just(6),
    training=st.just(2),
    images=st.integers(2, 30),
    cameras=st.integers(1, 12),
)


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_identities_pass_all_cameras_as_evenly_as_it_goes(plan):
    """As many cameras as there are pictures for, none of them more than one picture ahead of another."""
    by_identity = defaultdict(Counter)
    for picture in plan.pictures:
        by_identity[picture.shot.identity][picture.shot.camera] += 1

    assert set(by_identity) == set(range(1, 7))
    images = len(plan.pictures) // 6
    for cameras in by_identity.values():
        assert sum(cameras.values()) == images
        assert len(cameras) == min(plan.cameras, images)
        assert max(cameras.values()) - min(cameras.values()) <= 1
        assert set(cameras) <= set(range(1, plan.cameras + 1))


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_every_query_has_a_right_answer_from_another_camera(plan):
    """Each test identity has queries, at most one per camera, and with two cameras each finds a match elsewhere."""
    for identity in range(3, 7):
        own = [picture for picture in plan.pictures if picture.shot.identity == identity]
        queries = [picture.shot.camera for picture in own if picture.split == "query"]
        gallery = {picture.shot.camera for picture in own if picture.split == "gallery"}
        assert queries
        assert gallery
        assert len(set(queries)) == len(queries)
        assert plan.cameras == 1 or all(gallery - {camera} for camera in queries)


@settings(deadline=None, max_examples=60)
@given(PLANS)
def test_splits_do_not_share_identities_nor_pictures_their_time(plan):
    """The first identities train; identity, camera and frame name a picture."""
    assert {picture.shot.identity for picture in plan.pictures if picture.split == "train"} == {1, 2}
    keys = {(picture.shot.identity, picture.shot.camera, picture.frame) for picture in plan.pictures}
    assert len(keys) == len(plan.pictures)


def test_extras_are_identities_beyond_the_plan():
    """Distractors and junk are nobody who is searched for, and not each other."""
    plan = make_plan(0, "vehicle", identities=6, training=2, images=3, cameras=2)
    others = plan.extras(4, 1, misframed=False) + plan.extras(4, 5, misframed=True)

    assert [picture.shot.identity for picture in others] == list(range(7, 15))
    assert [picture.shot.misframed for picture in others] == [False] * 4 + [True] * 4
    assert {picture.split for picture in others} == {"gallery"}


def test_categories_name_sorts_of_objects():
    """Vehicles by body type, persons by what they wear."""
    for kind, words in (("vehicle", {"saloon", "hatchback"}), ("person", {"trousers", "coat"})):
        plan = make_plan(0, kind, identities=80, training=40, images=2, cameras=1)
        assert words <= {plan.category(identity) for identity in range(1, 81)}
