"""Many clients at once."""

import threading
import time
from dataclasses import replace

import served as servers
from served import TOKEN, Colours, picture, until

from reid.serve.limits import Gate, Limits


def ask_all(work, count):
    """What `count` threads get, each with how long it took."""
    got = []

    def one(n):
        start = time.monotonic()
        reply = work(n)
        got.append((reply, time.monotonic() - start))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_fifty_clients(served):
    """All fifty searches are answered, with what one alone is told; some are embedded together."""
    content = picture(4, 99)
    alone = served.ask("POST", "/search?k=3&by=identity", content).json()
    before = served.running._embedding.batches
    replies = [reply for reply, _ in ask_all(lambda _: served.ask("POST", "/search?k=3&by=identity", content), 50)]

    assert [reply.status for reply in replies] == [200] * 50
    assert all([hit["id"] for hit in reply.json()["hits"]] == [hit["id"] for hit in alone["hits"]] for reply in replies)
    assert served.running._embedding.batches - before < 50
    assert until(lambda: not served.running.budget.used)


class Slow(Colours):
    """A model that takes a twentieth of a second for whatever it is given."""

    def pictures(self, batch):
        time.sleep(0.05)
        return super().pictures(batch)


def test_those_who_add_do_not_starve_those_who_search(tmp_path):
    """While forty add as fast as they can, some are told to come again, and a search takes little longer than alone."""
    limits = replace(Limits(), add=Gate(4, 8))
    with servers.server(tmp_path, limits=limits, model=Slow()) as one:
        contents = [picture(n % 6, 1000 + n) for n in range(40)]
        adding = threading.Thread(
            target=lambda: replies.extend(ask_all(lambda n: one.ask("POST", "/images", contents[n], token=TOKEN), 40))
        )
        replies: list = []
        adding.start()
        time.sleep(0.1)
        searches = ask_all(lambda _: one.ask("POST", "/search", picture(1, 77)), 3)
        adding.join()
        images = one.ask("GET", "/gallery").json()["images"]

    statuses = [reply.status for reply, _ in replies]
    assert set(statuses) <= {201, 429}
    assert images == 24 + statuses.count(201)
    assert [reply.status for reply, _ in searches] == [200] * 3
    assert max(seconds for _, seconds in searches) < 2.0


def test_searches_are_made_quick_again_after_a_pause(served, monkeypatch):
    """Once for many additions, when no more come."""
    from reid.serve import running

    calls = []
    monkeypatch.setattr(running, "_QUIET", 0.05)
    monkeypatch.setattr(served.service, "settle", lambda: calls.append(1))
    ids = [served.ask("POST", "/images", picture(0, 200 + n), token=TOKEN).json()["id"] for n in range(3)]
    time.sleep(0.3)
    for number in ids:
        served.ask("DELETE", f"/images/{number}", token=TOKEN)

    assert 1 <= len(calls) <= 3
