"""Ids."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

from antiphon.services.runtime import clock, ids


def test_ids_made_one_after_the_other_are_in_order() -> None:
    made = [ids.uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_made_by_several_threads_are_different() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: ids.uuid7(), range(20_000)))
    assert len(set(made)) == len(made)


def test_an_ordered_id_has_version_variant_and_the_time() -> None:
    before = clock.now().timestamp() * 1000
    made = ids.uuid7()
    after = clock.now().timestamp() * 1000
    assert made.variant == uuid.RFC_4122
    assert made.version == 7
    # 20,000 ids in a row may run some milliseconds ahead of the clock.
    assert int(before) <= made.int >> 80 <= after + 1000


def test_a_random_id_has_version_4() -> None:
    assert ids.uuid4().version == 4
    assert ids.uuid4() != ids.uuid4()


def test_a_forked_process_makes_ids_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.uuid4().bytes)
        os._exit(0)
    mine = ids.uuid4()
    assert os.waitpid(child, 0)[1] == 0
    theirs = uuid.UUID(bytes=os.read(reading, 16))
    os.close(reading)
    os.close(writing)
    assert theirs != mine
