"""Several clients on the same few resources, held against a model: no update lost, versions dense, history complete, a transaction
whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from real_house import BUILT, House, house

pytestmark = pytest.mark.skipif(not BUILT.is_dir(), reason="the FHIR definitions are not built: make build")
RESOURCES = 3
RUNS = int(os.environ.get("LONGBIEN_RUNS", "12"))
"""Walks of ten bursts each; set LONGBIEN_RUNS for a long run."""


class Step(NamedTuple):
    """One request. `match`: any (no condition) | current | old | new (If-None-Match: *)."""

    verb: str
    at: tuple[int, ...]
    match: str


class Told(NamedTuple):
    """What a client was told. `versions`: resource -> version that its request made."""

    step: Step
    status: int
    versions: dict[int, int]
    mark: str


one = st.tuples(st.integers(0, RESOURCES - 1))
some = st.lists(st.integers(0, RESOURCES - 1), min_size=1, max_size=RESOURCES, unique=True).map(tuple)
steps = st.one_of(
    st.builds(Step, st.just("PUT"), one, st.sampled_from(["any", "current", "current", "old", "new"])),
    st.builds(Step, st.just("DELETE"), one, st.sampled_from(["any", "current", "old"])),
    st.builds(Step, st.just("transaction"), some, st.sampled_from(["any", "current", "old"])),
    st.builds(Step, st.just("GET"), one, st.just("any")),
)


class Several(RuleBasedStateMachine):
    client: ClassVar[httpx.Client]
    threads: ClassVar[ThreadPoolExecutor]
    told: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.ids = [f"s-{secrets.token_hex(6)}-{n}" for n in range(RESOURCES)]
        self.known: list[list[str | None]] = [[] for _ in self.ids]
        """Of each resource its versions in order: the mark it was written with, None for a deletion."""

    @rule(steps=st.lists(steps, min_size=1, max_size=4))
    def burst(self, steps: list[Step]) -> None:
        before = [list(k) for k in self.known]
        told = list(self.threads.map(self.do, steps))
        type(self).told += len(told)
        self.believe(told)
        for t in told:
            others = {n for other in told if other is not t and other.step.verb != "GET" for n in other.step.at}
            if not others & set(t.step.at):
                self.exactly(t, before)
            elif t.status >= 300:
                assert t.status in (404, 409, 410, 412), t

    @precondition(lambda self: any(self.known))
    @rule()
    def each_version_reads_as_it_was_written(self) -> None:
        for n, versions in enumerate(self.known):
            for version, mark in enumerate(versions, 1):
                answer = self.client.get(f"Patient/{self.ids[n]}/_history/{version}")
                if mark is None:
                    assert answer.status_code == 410, answer.text
                else:
                    assert answer.json()["name"][0]["text"] == mark and answer.json()["meta"]["versionId"] == str(version)

    # -- one request --------------------------------------------------------------------------------------------------

    def do(self, step: Step) -> Told:
        mark = secrets.token_hex(8)
        if step.verb == "transaction":
            return self.transaction(step, mark)
        n = step.at[0]
        headers = {} if (match := self.match(n, step.match)) is None else {match[0]: match[1]}
        body = self.patient(n, mark) if step.verb == "PUT" else None
        answer = self.client.request(step.verb, f"Patient/{self.ids[n]}", json=body, headers=headers)
        made = step.verb != "GET" and answer.is_success and "etag" in answer.headers
        return Told(step, answer.status_code, {n: int(answer.headers["etag"].strip('W/"'))} if made else {}, mark)

    def transaction(self, step: Step, mark: str) -> Told:
        entry = []
        for n in step.at:
            request = {"method": "PUT", "url": f"Patient/{self.ids[n]}"}
            if (match := self.match(n, step.match)) is not None:
                request["ifMatch"] = match[1]
            entry.append({"resource": self.patient(n, mark), "request": request})
        answer = self.client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": entry})
        made: dict[int, int] = {}
        if answer.is_success:
            etags = [e["response"]["etag"] for e in answer.json()["entry"]]
            made = {n: int(etag.strip('W/"')) for n, etag in zip(step.at, etags, strict=True)}
        return Told(step, answer.status_code, made, mark)

    def patient(self, n: int, mark: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": self.ids[n], "name": [{"text": mark}]}

    def match(self, n: int, how: str) -> tuple[str, str] | None:
        version = {"current": len(self.known[n]), "old": max(len(self.known[n]) - 1, 1)}.get(how)
        if how == "new":
            return "If-None-Match", "*"
        return None if version is None else ("If-Match", f'W/"{max(version, 1)}"')

    # -- the model ----------------------------------------------------------------------------------------------------

    def believe(self, told: list[Told]) -> None:
        """What was there is unchanged; what came is exactly what somebody was told, numbered without a gap."""
        for n, id_ in enumerate(self.ids):
            there = self.history(id_)
            came = sorted((t.versions[n], None if t.step.verb == "DELETE" else t.mark) for t in told if n in t.versions)
            assert there[: len(self.known[n])] == self.known[n], "the past was changed"
            expected = list(enumerate(there[len(self.known[n]) :], len(self.known[n]) + 1))
            assert came == expected, f"told {came}, there {expected}"
            self.known[n] = there
            now = self.client.get(f"Patient/{id_}")
            if not there or there[-1] is None:
                assert now.status_code == (410 if there else 404)
            else:
                assert now.json()["name"][0]["text"] == there[-1]

    def history(self, id_: str) -> list[str | None]:
        answer = self.client.get(f"Patient/{id_}/_history", params={"_count": 1000})
        if answer.status_code == 404:
            return []
        entries = answer.json()["entry"][::-1]
        versions = [int(e["response"]["etag"].strip('W/"')) for e in entries]
        assert versions == list(range(1, len(entries) + 1)), versions
        return [e["resource"]["name"][0]["text"] if "resource" in e else None for e in entries]

    def exactly(self, told: Told, before: list[list[str | None]]) -> None:
        """Nobody else wrote there meanwhile, so the answer is certain."""
        step = told.step
        was = [before[n] for n in step.at]
        if step.verb == "GET":
            expected = {200} if was[0] and was[0][-1] is not None else {410 if was[0] else 404}
        elif step.verb == "DELETE" and (not was[0] or was[0][-1] is None):
            # nothing there to delete: no fault, unless a condition says otherwise
            expected = {204} if step.match == "any" else {204, 404, 409, 412}
        elif not all(self.holds(step.match, versions) for versions in was):
            expected = {412}
        else:
            expected = {200, 201, 204}
        assert told.status in expected, f"{told} with {was}"

    @staticmethod
    def holds(match: str, versions: list[str | None]) -> bool:
        if match == "new":
            return not versions or versions[-1] is None
        if match == "current":
            return bool(versions)
        return match == "any" or len(versions) == 1  # "old" is the current one while there is only one


@pytest.fixture
def running(data_folder: Path) -> Iterator[House]:
    with house(data_folder / "d") as made:
        yield made


def test_several_clients_at_once_agree_with_a_model(running: House, capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"Authorization": f"Bearer {running.token('several')}"}
    with (
        httpx.Client(base_url=running.address + "/fhir/", headers=headers, timeout=30) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        Several.client, Several.threads = client, threads
        quick = settings(
            max_examples=RUNS, stateful_step_count=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        run_state_machine_as_test(Several, settings=quick)
    with capsys.disabled():
        print(f"\n  {Several.told} requests in bursts of up to four, each held against the model")
