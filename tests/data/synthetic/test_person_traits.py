from collections import Counter

import numpy as np

from reid.data.synthetic import person_traits as traits

TOWN = [traits.draw_person(0, identity) for identity in range(600)]


def test_every_trait_is_met():
    """No pattern, bag, hat, hairstyle or garment is missing, and plain clothes are the most common."""
    for name, known in (
        ("pattern", traits.PATTERNS),
        ("bag", traits.BAGS),
        ("hat", traits.HATS),
        ("hairstyle", traits.HAIRSTYLES),
        ("lower", traits.LOWER),
    ):
        counts = Counter(getattr(person, name) for person in TOWN)
        assert set(counts) == set(known)
        assert counts.most_common(1)[0][0] == known[0]


def test_people_dress_alike():
    """Dark and grey clothes are so common that colour alone does not name a person."""
    grey = [np.ptp(person.cloth) < 30 for person in TOWN]

    assert 0.45 < np.mean(grey) < 0.8


def test_no_two_people_are_the_same():
    """Some trait or shade differs between any two."""
    assert len(set(TOWN)) == len(TOWN)


def test_bodies_are_of_human_size():
    """Heights and widths stay within those of adults."""
    assert all(1.45 < person.height < 2.0 for person in TOWN)
    assert all(0.8 <= person.girth <= 1.4 for person in TOWN)


def test_a_dress_is_one_piece_and_a_coat_has_sleeves():
    """The upper half of a dress has its colour; nobody wears a coat in short sleeves."""
    for person in TOWN:
        assert person.cloth == (person.bottom if person.lower == "dress" else person.top)
        assert person.sleeve == 1.0 or person.lower != "coat"


def test_a_person_is_a_function_of_seed_and_identity():
    """The same again, and another with another seed."""
    assert traits.draw_person(0, 5) == TOWN[5]
    assert traits.draw_person(1, 5) != TOWN[5]
