"""Concurrency limits: made, read, changed; their slots taken, kept and given back."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_V2 = "/v2/concurrency_limits"
_TASK = "00000000-0000-4000-8000-0000000000{:02}"


def _limit(name: str, limit: int, **fields: Any) -> Case:
    return post(f"limit {name}", f"{_V2}/", {"name": f"cases-{name}", "limit": limit, **fields}, save=name)


def _take(what: str, *names: str, slots: int = 1, **fields: Any) -> Case:
    body = {"names": [f"cases-{name}" for name in names], "slots": slots, **fields}
    return post(f"take {what}", f"{_V2}/increment", body, unordered=True)


def _return(what: str, *names: str, slots: int = 1, **fields: Any) -> Case:
    body = {"names": [f"cases-{name}" for name in names], "slots": slots, **fields}
    return post(f"return {what}", f"{_V2}/decrement", body, unordered=True)


def _lease(name: str, *names: str, slots: int = 1, **fields: Any) -> Case:
    body = {"names": [f"cases-{limit}" for limit in names], "slots": slots, **fields}
    return post(f"lease {name}", f"{_V2}/increment-with-lease", body, save=name)


def _release(name: str) -> Case:
    return post(f"release {name}", f"{_V2}/decrement-with-lease", {"lease_id": f"{{{name}.lease_id}}"})


def _renew(what: str, lease: str, **body: Any) -> Case:
    return post(f"renew {what}", f"{_V2}/leases/{lease}/renew", body or None)


def _read(name: str, what: str = "") -> Case:
    return get(f"read {name} {what}".strip(), f"{_V2}/cases-{name}")


V2_CASES: list[Case] = [
    _limit("one", 1),
    _limit("two", 2, active=True, active_slots=1, denied_slots=3),
    _limit("off", 1, active=False),
    _limit("none", 0),
    _limit("rate", 2, slot_decay_per_second=0.0001),
    post("name taken", f"{_V2}/", {"name": "cases-one", "limit": 5}),
    post("name empty", f"{_V2}/", {"name": "", "limit": 5}),
    post("name with slash", f"{_V2}/", {"name": "a/b", "limit": 5}),
    post("no limit", f"{_V2}/", {"name": "x"}),
    post("negative", f"{_V2}/", {"name": "x", "limit": -1}),
    post("negative decay", f"{_V2}/", {"name": "x", "limit": 1, "slot_decay_per_second": -1}),
    post("unknown key", f"{_V2}/", {"name": "x", "limit": 1, "nope": 1}),
    post("no body", f"{_V2}/"),
    get("read by id", f"{_V2}/{{one.id}}"),
    _read("two"),
    get("read unknown", f"{_V2}/cases-nothing"),
    get("read unknown id", f"{_V2}/{UNKNOWN}"),
    # Slots without leases.
    _take("one", "one"),
    _take("one, full", "one"),
    _take("both, one full", "one", "two"),
    _read("two", "after all or nothing"),
    _return("one", "one"),
    _return("one, more than taken", "one"),
    _read("one", "after returning"),
    _take("both", "one", "two"),
    _return("both", "one", "two", occupancy_seconds=5),
    _read("two", "after both"),
    _take("more than there are", "one", slots=2),
    _take("of a limit of 0", "none"),
    _take("of an inactive one", "off"),
    _read("off"),
    _take("of nothing", "nothing"),
    _take("of no names"),
    _take("of one and nothing", "one", "nothing"),
    _return("of nothing", "nothing"),
    _return("of one and nothing", "one", "nothing"),
    _take("a rate of a constant", "one", mode="rate_limit"),
    _take("a rate", "rate", mode="rate_limit"),
    _take("a rate, both", "rate", "one", mode="rate_limit"),
    _take("a decaying one as a constant", "rate"),
    _read("rate"),
    _take("0 slots", "one", slots=0),
    _take("unknown mode", "one", mode="other"),
    _take("create if missing", "nothing", create_if_missing=True),
    post("take: no names", f"{_V2}/increment", {"slots": 1}),
    post("take: names a text", f"{_V2}/increment", {"slots": 1, "names": "cases-one"}),
    _return("0 slots", "one", slots=0),
    _return("no time", "one", occupancy_seconds=0),
    # Leases.
    _lease("first", "one"),
    _lease("second", "one"),
    _read("one", "leased"),
    _renew("first", "{first.lease_id}"),
    _renew("first for an hour", "{first.lease_id}", lease_duration=3600),
    _renew("too short", "{first.lease_id}", lease_duration=59),
    _renew("too long", "{first.lease_id}", lease_duration=86_401),
    _renew("unknown", UNKNOWN),
    _renew("not an id", "nope"),
    _release("first"),
    _release("first"),
    post("release unknown", f"{_V2}/decrement-with-lease", {"lease_id": UNKNOWN}),
    post("release nothing", f"{_V2}/decrement-with-lease", {}),
    _renew("released", "{first.lease_id}"),
    _read("one", "released"),
    _lease("empty", "nothing"),
    _renew("empty", "{empty.lease_id}"),
    _release("empty"),
    _lease("held", "one", "two", holder={"type": "flow_run", "id": _TASK.format(1)}),
    _read("two", "held"),
    _lease("odd_holder", "two", holder={"type": "robot", "id": _TASK.format(1)}),
    _lease("bad_holder", "two", holder={"type": "task_run", "id": "nope"}),
    _lease("short", "two", lease_duration=59),
    _lease("large", "two", slots=3),
    _release("held"),
    _read("one", "after held"),
    # Changes.
    patch("more slots", f"{_V2}/cases-one", {"limit": 3}),
    _read("one", "with more slots"),
    _lease("three", "one", slots=3),
    patch("fewer slots", f"{_V2}/{{one.id}}", {"limit": 1}),
    _read("one", "with fewer slots"),
    _take("one, over full", "one"),
    _release("three"),
    patch("active slots", f"{_V2}/cases-one", {"active_slots": 1}),
    _take("one, declared full", "one"),
    patch("inactive", f"{_V2}/cases-one", {"active": False}),
    _take("one, inactive", "one"),
    patch("nothing", f"{_V2}/cases-one", {}),
    patch("renamed", f"{_V2}/cases-one", {"name": "cases-uno"}),
    _read("uno"),
    _read("one", "renamed"),
    patch("to a taken name", f"{_V2}/cases-uno", {"name": "cases-two"}),
    patch("negative limit", f"{_V2}/cases-uno", {"limit": -1}),
    patch("unknown field", f"{_V2}/cases-uno", {"color": 1}),
    patch("unknown limit", f"{_V2}/cases-nothing", {"limit": 1}),
    patch("unknown id", f"{_V2}/{UNKNOWN}", {"limit": 1}),
    # Lists and ends.
    post("filter", f"{_V2}/filter", {"limit": 3}),
    post("filter, later", f"{_V2}/filter", {"offset": 4}),
    post("filter, too many", f"{_V2}/filter", {"limit": 201}),
    _lease("survivor", "two"),
    delete("deleted", f"{_V2}/cases-two"),
    delete("deleted again", f"{_V2}/cases-two"),
    delete("deleted by id", f"{_V2}/{{rate.id}}"),
    delete("delete unknown id", f"{_V2}/{UNKNOWN}"),
    _read("two", "deleted"),
    _renew("without its limit", "{survivor.lease_id}"),
    _release("survivor"),
    _limit("two_again", 2),
    *[delete(f"cleaned {name}", f"{_V2}/cases-{name}") for name in ("uno", "off", "none", "two_again")],
]

_V1 = "/concurrency_limits"


def _tag_take(what: str, task: int, *tags: str) -> Case:
    return post(f"tag take {what}", f"{_V1}/increment", {"names": list(tags), "task_run_id": _TASK.format(task)})


def _tag_return(what: str, task: int, *tags: str) -> Case:
    return post(f"tag return {what}", f"{_V1}/decrement", {"names": list(tags), "task_run_id": _TASK.format(task)})


def _tag(name: str) -> Case:
    return get(f"tag {name}", f"{_V1}/tag/{name}")


V1_CASES: list[Case] = [
    post("created", f"{_V1}/", {"tag": "cases-a", "concurrency_limit": 1}, save="a"),
    post("again", f"{_V1}/", {"tag": "cases-a", "concurrency_limit": 2}),
    post("another", f"{_V1}/", {"tag": "cases-b", "concurrency_limit": 1}, save="b"),
    post("of 0", f"{_V1}/", {"tag": "cases-zero", "concurrency_limit": 0}, save="zero"),
    post("no tag", f"{_V1}/", {"concurrency_limit": 2}),
    post("unknown key", f"{_V1}/", {"tag": "x", "concurrency_limit": 2, "nope": 1}),
    get("by id", f"{_V1}/{{a.id}}"),
    _tag("cases-a"),
    get("as v2", "/v2/concurrency_limits/tag:cases-a"),
    get("unknown", f"{_V1}/{UNKNOWN}"),
    _tag("cases-nothing"),
    _tag_take("a", 1, "cases-a"),
    _tag_take("a and b", 2, "cases-a", "cases-b"),
    _tag("cases-a"),
    _tag_take("a, full", 3, "cases-a"),
    _tag_take("b and a, full", 3, "cases-b", "cases-a"),
    _tag_take("0", 3, "cases-zero"),
    _tag_take("a and 0", 3, "cases-a", "cases-zero"),
    _tag_take("nothing", 3, "cases-nothing"),
    _tag_take("no tags", 3),
    _tag_return("a of another", 3, "cases-a"),
    _tag_return("a", 2, "cases-a"),
    _tag("cases-b"),
    _tag("cases-a"),
    _tag_return("nothing", 2, "cases-nothing"),
    post("filter", f"{_V1}/filter", {}),
    post("filter, page", f"{_V1}/filter", {"limit": 1, "offset": 1}),
    post("reset to nobody", f"{_V1}/tag/cases-b/reset", {}),
    _tag("cases-b"),
    post("reset", f"{_V1}/tag/cases-b/reset", {"slot_override": [_TASK.format(7)]}),
    _tag("cases-b"),
    _tag_take("b, declared full", 8, "cases-b"),
    _tag_return("b, declared", 7, "cases-b"),
    _tag("cases-b"),
    post("reset unknown", f"{_V1}/tag/cases-nothing/reset", {}),
    post("reset to no ids", f"{_V1}/tag/cases-b/reset", {"slot_override": ["nope"]}),
    post("take without task", f"{_V1}/increment", {"names": ["cases-a"]}),
    delete("deleted", f"{_V1}/{{a.id}}"),
    delete("deleted again", f"{_V1}/{{a.id}}"),
    delete("deleted by tag", f"{_V1}/tag/cases-b"),
    delete("deleted by tag again", f"{_V1}/tag/cases-b"),
    delete("zero deleted", f"{_V1}/tag/cases-zero"),
    _tag("cases-a"),
]
