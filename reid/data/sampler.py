"""Identity-balanced batches, as a pure function of (seed, epoch, step).

A batch is P identities x K images. The laws, each a test:

1. Exactly P different identities in a batch, exactly K images of each.
2. Within a batch no image twice, as long as its identity has K images. An identity with fewer fills its K places by
   repeating its images in turn; one with a single image never appears, for it would be its own positive.
3. Every image is seen equally often: an identity's share of the places is its share of the images, whatever is
   rounded in one epoch is made good in the next, and within an identity the numbers of views differ by at most one.
   The one exception: an identity appears at most once in a batch, so one that holds more than 1/P of all images is
   seen less often, and the others share what it cannot take.
4. The batch at (epoch, step) depends on the seed and the list of identities alone: any position can be computed
   again, and neither the number of loader workers nor where a run was interrupted can change it.

How: an epoch of S batches has S x P places for groups of K images. Each identity is due a share of them; whole groups
are given out by largest remainder. The groups of one identity stand next to each other in a list over all identities,
in random order, which is cut into P rows of S places. Each row is dealt to the S batches at random, one place each;
an identity that goes on from one row into the next, of at most S groups, is kept out of the batches it has already.
"""

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.errors import DataError

Integers = NDArray[np.int64]


class IdentityBalancedSampler:
    """Draws P x K batches from labelled images.

    Args:
        identities: (N,) int64 identity of every image; images with a negative one are never drawn.
        per_batch: P, identities in a batch.
        images_each: K, images of each identity in a batch.
        steps: S, batches in an epoch; None makes an epoch see as many images as there are, rounded up to a batch.
        seed: of the run.
        stream: number of this sampler among those of the run (cluster, division), so that they are independent.

    Raises:
        DataError: fewer than P identities have at least two images; says how many there are.
    """

    def __init__(
        self,
        identities: Integers,
        *,
        per_batch: int,
        images_each: int,
        seed: int,
        steps: int | None = None,
        stream: tuple[int, int] = (0, 0),
    ) -> None:
        codes, groups, counts = np.unique(identities, return_inverse=True, return_counts=True)
        drawable = (counts >= 2) & (codes >= 0)
        self.left_out = int(counts[(counts < 2) & (codes >= 0)].sum())
        images = np.flatnonzero(drawable[groups])
        self._images = images[np.argsort(groups[images], kind="stable")]  # of one identity next to each other
        _, self._group = np.unique(groups[self._images], return_inverse=True)
        self._counts = counts[drawable]
        if len(self._counts) < per_batch:
            raise DataError(
                f"a batch needs {per_batch} identities with at least two images each, and there are {len(self._counts)}; "
                f"lower train.identities (or division.learners)"
            )
        self._first = np.cumsum(self._counts) - self._counts
        self._per_batch, self._each = per_batch, images_each
        self.steps = -(-len(self._images) // (per_batch * images_each)) if steps is None else steps
        self._share = _fair_share(self._counts, self.steps * per_batch, self.steps)
        self._seed, self._stream = seed, stream
        self._forget()

    def epoch(self, epoch: int) -> Integers:
        """The batches of `epoch`, counted from 0 where this sampler is first used.

        Returns:
            (S, P * K) int64 positions in `identities`; the K images of an identity stand next to each other.
        """
        if epoch < self._next:
            self._forget()
        while self._next < epoch:
            self._draw()
        return self._draw()

    def _forget(self) -> None:
        self._next = 0
        self._owed = np.zeros(len(self._counts))
        self._views = np.zeros(len(self._images), dtype=np.int64)

    def _draw(self) -> Integers:
        random = rng.generator(self._seed, "sampler", *self._stream, self._next)
        due = self._groups_due(random)
        order = np.lexsort((random.random(len(self._images)), self._views, self._group))  # least seen first
        batches = self._arrange(random, due, order)
        slots = due * self._each
        rank = np.arange(len(order)) - self._first[self._group]  # of the images, which `order` keeps grouped
        self._views[order] += (slots // self._counts)[self._group] + (rank < (slots % self._counts)[self._group])
        self._owed += self._share - due
        self._next += 1
        return batches

    def _groups_due(self, random: np.random.Generator) -> Integers:
        """(I,) whole groups of each identity this epoch: its share and what it is owed, by largest remainder."""
        wanted = self._owed + self._share
        due = np.clip(np.floor(wanted), 0, self.steps).astype(np.int64)
        chance = random.random(len(due))
        while missing := self.steps * self._per_batch - int(due.sum()):
            sign = 1 if missing > 0 else -1
            able = due < self.steps if sign > 0 else due > 0
            gain = np.where(able, sign * (wanted - due), -np.inf)
            due[np.lexsort((chance, -gain))[: min(abs(missing), int(able.sum()))]] += sign
        return due

    def _arrange(self, random: np.random.Generator, due: Integers, order: Integers) -> Integers:
        turn = random.permutation(len(due))
        owner = np.repeat(turn, due[turn])
        number = np.arange(len(owner)) - np.repeat(np.cumsum(due[turn]) - due[turn], due[turn])
        cycle = (number[:, None] * self._each + np.arange(self._each)) % self._counts[owner][:, None]
        images = self._images[order[self._first[owner][:, None] + cycle]]
        batches = np.empty((self.steps, self._per_batch, self._each), dtype=np.int64)
        rows = owner.reshape(self._per_batch, self.steps)
        batches[_deal(random, rows), np.arange(self._per_batch)[:, None]] = images.reshape(*rows.shape, self._each)
        return batches.reshape(self.steps, -1)


def _deal(random: np.random.Generator, owner: Integers) -> Integers:
    """(P, S) batch of each place: every batch once in a row, no identity twice in a batch.

    Args:
        random: source of the order in each row.
        owner: (P, S) identity of each place; those of one identity follow each other and are at most S.
    """
    batch = random.permuted(np.tile(np.arange(owner.shape[1]), (len(owner), 1)), axis=1)
    for row in range(1, len(owner)):
        last = owner[row - 1, -1]
        going_on = int((owner[row] == last).sum())
        free = batch[row][~np.isin(batch[row], batch[row - 1, owner[row - 1] == last])]
        batch[row] = np.concatenate([free[:going_on], batch[row][~np.isin(batch[row], free[:going_on])]])
    return batch


def _fair_share(counts: Integers, places: int, most: int) -> NDArray[np.float64]:
    """(I,) share of `places` for each identity in proportion to `counts`, at most `most`; the rest take what is cut off."""
    share = np.zeros(len(counts))
    capped = np.zeros(len(counts), dtype=bool)
    while True:
        share[~capped] = counts[~capped] * ((places - most * capped.sum()) / max(1, counts[~capped].sum()))
        over = (share > most) & ~capped
        if not over.any():
            return share
        capped |= over
        share[capped] = most
