"""The FHIR API under load, clause by clause: requests a second under wrk with authorisation, validation and the durable trail in
each figure, beside what the same machine does without all that (pgbench by primary key, durable single-row commits).

The record: 1,000 small patients (Patient, Encounter, 10 Observations, 2 Conditions, MedicationRequest; one transaction each, sent
through the API) and the 617 lives. `--only read,create` measures some, `--keep FOLDER` keeps the record and uses it again."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from import_lives import LIVES
from longbien.access.tokens import create_token
from longbien.base.blobs import Blobs
from longbien.importer.run import Import
from longbien.record import export
from longbien.record.engine import Engine
from longbien.record.scope import Scope, system
from place import Place, commit_limit, machine, options, pgbench_limit, place, say
from read import ready, serving

PEOPLE = 1000
SYSTEM = "urn:bench:patient"
LOINC = "http://loinc.org"
CODES = ("2823-3", "2951-2", "2345-7", "2160-0", "3094-0", "718-7", "6690-2", "777-3", "1742-6", "1920-8")
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ")


def small(n: int | str, family: str, given: str) -> dict[str, Any]:
    """One small patient as a transaction of 15; `n` goes into the identifier."""

    def entry(uuid: str, resource: dict[str, Any]) -> dict[str, Any]:
        return {"fullUrl": f"urn:uuid:{uuid}", "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}

    patient, encounter = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    subject = {"reference": f"urn:uuid:{patient}"}
    visit = {"reference": f"urn:uuid:{encounter}"}
    entries = [
        entry(patient, {
            "resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": f"B{n}"}],
            "gender": "female", "birthDate": "1961-03-08",
            "name": [{"use": "official", "family": family, "given": ["Thị", given]}],
        }),
        entry(encounter, {
            "resourceType": "Encounter", "status": "finished", "subject": subject,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "period": {"start": "2026-11-02T08:00:00+07:00", "end": "2026-11-02T09:00:00+07:00"},
        }),
        entry("00000000-0000-4000-8000-000000000003", {
            "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": subject, "encounter": visit,
            "medicationCodeableConcept": {"text": "Amlodipin 5 mg"}, "authoredOn": "2026-11-02",
        }),
    ]  # fmt: skip
    for k, code in enumerate(CODES):
        entries.append(entry(f"00000000-0000-4000-8000-0000000001{k:02d}", {
            "resourceType": "Observation", "status": "final", "subject": subject, "encounter": visit,
            "code": {"coding": [{"system": LOINC, "code": code}]}, "effectiveDateTime": f"2026-11-{2 + k:02d}T08:24:00+07:00",
            "valueQuantity": {"value": 60 + k, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"},
        }))  # fmt: skip
    for k, code in enumerate(("I10", "E11.9")):
        entries.append(entry(f"00000000-0000-4000-8000-0000000002{k:02d}", {
            "resourceType": "Condition", "subject": subject, "encounter": visit, "onsetDateTime": "2026-11-02",
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
            "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        }))  # fmt: skip
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@dataclass
class Known:
    """What the measurements ask for."""

    token: str
    patients: list[str] = field(default_factory=list)
    encounters: list[str] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)
    old: str = ""
    """An Observation with a thousand versions."""


class Client:
    """One request at a time, for setting up and looking after."""

    def __init__(self, port: int, token: str):
        self.base, self.token = f"http://127.0.0.1:{port}/fhir", token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        data = None if body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/fhir+json"}
        given |= {k.replace("_", "-"): v for k, v in headers.items()}
        asked = urllib.request.Request(f"{self.base}/{path}", data, given, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                content = answer.read()
                return answer.status, dict(answer.headers), json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read()[:2000].decode()}") from None


async def lives(here: Place) -> str:
    engine = await Engine.open(here.app, services=False)
    token = await create_token(engine, "bench")
    await engine.close()
    return token


def fill(here: Place, port: int, token: str) -> Known:
    """The small patients and the old observation, once."""
    there = here.folder / "known.json"
    if there.exists():
        return Known(**{**json.loads(there.read_text()), "token": token})
    client = Client(port, token)
    known = Known(token)
    for n in range(PEOPLE):
        _, _, made = client.ask("POST", "", small(n, FAMILIES[n % 10], f"Bench{n:04d}"))
        places = [e["response"]["location"].split("/_history")[0] for e in made["entry"]]
        known.patients += [p.rsplit("/", 1)[1] for p in places if "/Patient/" in p or p.startswith("Patient/")]
        known.encounters += [p.rsplit("/", 1)[1] for p in places if "Encounter/" in p]
        known.observations += [p.rsplit("/", 1)[1] for p in places if "Observation/" in p]
    _, _, old = client.ask("GET", f"Observation/{known.observations[0]}")
    known.old = old["id"]
    for n in range(1000):
        client.ask("PUT", f"Observation/{known.old}", old | {"valueQuantity": {"value": 61 + n, "unit": "1"}})
    there.write_text(json.dumps({k: v for k, v in vars(known).items() if k != "token"}))
    return known


# -- the load ----------------------------------------------------------------------------------------------------------

_DONE = """
done = function(s, l, r) print(string.format('RESULT %d %d %f %f %d', s.requests, s.duration, l:percentile(50) / 1000,
  l:percentile(95) / 1000, s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end
"""


class Load:
    """wrk on one server; `cpu` is what the server's processes (web and database) used for each request, in milliseconds."""

    def __init__(self, port: int, token: str, folder: Path, connections: int, seconds: int):
        self.port, self.token, self.folder, self.connections, self.seconds = port, token, folder, connections, seconds

    def gets(self, paths: list[str]) -> dict[str, float]:
        listed = ",\n".join(json.dumps("/fhir/" + p) for p in paths)
        return self.run(
            f"local paths = {{{listed}}}\nlocal n = math.random(#paths)\n"
            "request = function() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n"
        )

    def run(self, lua: str, connections: int | None = None) -> dict[str, float]:
        script = self.folder / "load.lua"
        authorised = f"wrk.headers['Authorization'] = 'Bearer {self.token}'\n"
        script.write_text(authorised + lua + _DONE)
        command = ["wrk", "-t1", f"-c{connections or self.connections}", "--timeout", "30s", "-s", str(script)]
        address = f"http://127.0.0.1:{self.port}"
        subprocess.run([*command, "-d1s", address], capture_output=True, check=True, timeout=90)
        before = _cpu()
        out = subprocess.run(
            [*command, f"-d{self.seconds}s", address], capture_output=True, text=True, check=True, timeout=self.seconds + 90
        ).stdout
        used = _cpu() - before
        found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", out)
        if found is None:
            raise SystemExit(out)
        n, micros, p50, p95, errors = (float(x) for x in found.groups())
        marks = {k: float(v) for k, v in re.findall(r"MARK (\w+) ([\d.]+)", out)}
        return {"n": n, "rate": n / micros * 1e6, "p50": p50, "p95": p95, "errors": errors, "cpu": used * 1000 / n, **marks}


def _cpu() -> float:
    """Seconds of processor time that this process's descendants have used: web processes, PostgreSQL and its backends."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def searches(known: Known) -> dict[str, list[str]]:
    some = known.patients[:500]
    day = "date=ge2026-11-01"
    return {
        "search by identifier": [f"Patient?identifier={SYSTEM}%7CB{n}" for n in range(500)],
        "search by name": [f"Patient?name=Bench{n:04d}&_count=20" for n in range(500)],
        "search by reference": [f"Observation?subject=Patient/{p}&_count=20" for p in some],
        "search by code and date": [f"Observation?patient={p}&code={LOINC}%7C{CODES[n % 10]}&{day}" for n, p in enumerate(some)],
        "_include": [f"Observation?patient={p}&code={LOINC}%7C2823-3&_include=Observation:encounter" for p in some],
        "_revinclude": [f"Encounter?_id={e}&_revinclude=Observation:encounter" for e in known.encounters[:500]],
        "chained": [f"Observation?subject:Patient.identifier={SYSTEM}%7CB{n}&_count=20" for n in range(500)],
        "_has": [f"Patient?_has:Encounter:patient:_id={e}" for e in known.encounters[:500]],
    }


_WALK = """
local starts = {%s}
local waiting, n, walks = {}, math.random(#starts), 0
request = function()
  local path = table.remove(waiting)
  if not path then n = n %% #starts + 1; path = starts[n] end
  return wrk.format('GET', path)
end
response = function(status, headers, body)
  local next = string.match(string.sub(body, 1, 4000), '"relation":"next","url":"http://[^/]+(/[^"]+)"')
  if next then table.insert(waiting, next) else walks = walks + 1 end
end
"""


def walk(load: Load, starts: list[str]) -> dict[str, float]:
    """Walks to the end; wrk's one thread keeps the pages that are still to be asked for."""
    listed = ", ".join(json.dumps("/fhir/" + s) for s in starts)
    return load.run(_WALK % listed, 8)


def posts(load: Load, type_: str, body: dict[str, Any], connections: int, *, more: str = "") -> dict[str, float]:
    """POSTs of `body`, in which @N@ is a number that is never used twice."""
    text = json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False)
    return load.run(
        f"local body = {text}\nlocal mark = tostring(os.time()) .. tostring(math.random(1000000))\nlocal n = 0\n"
        "wrk.headers['Content-Type'] = 'application/fhir+json'\n"
        "request = function() n = n + 1\n"
        "local key = mark .. '-' .. n\n" + more + f"return wrk.format('POST', '/fhir/{type_}', nil, (body:gsub('@N@', key))) end\n",
        connections,
    )


def puts(load: Load, ids: list[str], people: list[str], body: dict[str, Any], connections: int) -> dict[str, float]:
    text = json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False)
    listed = ", ".join(json.dumps(i) for i in ids)
    return load.run(
        f"local body = {text}\nlocal ids = {{{listed}}}\nlocal n = math.random(#ids)\n"
        f"local people = {{{', '.join(json.dumps(p) for p in people)}}}\n"
        "wrk.headers['Content-Type'] = 'application/fhir+json'\n"
        "request = function() n = n % #ids + 1\n"
        "local text = body:gsub('@ID@', ids[n]):gsub('@N@', tostring(n)):gsub('@P@', people[math.floor((n - 1) / 10) + 1])\n"
        "return wrk.format('PUT', '/fhir/Observation/' .. ids[n], nil, text) end\n",
        connections,
    )


def one_observation(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": LOINC, "code": CODES[0]}]}, "effectiveDateTime": "2026-11-20T08:24:00+07:00",
        "note": [{"text": "@N@"}], "valueQuantity": {"value": 71, "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"},
    }  # fmt: skip


def _conditional(load: Load, client: Client) -> dict[str, float]:
    """32 clients ask for the same key at the same time, then for the next. Afterwards every key is there exactly once."""
    person = {"resourceType": "Patient", "identifier": [{"system": "urn:bench:same", "value": "@N@"}]}
    more = (
        "key = mark .. '-' .. math.floor((n - 1) / 32)\n"
        "wrk.headers['If-None-Exist'] = 'identifier=urn:bench:same|' .. key\n"
    )  # fmt: skip
    found = posts(load, "Patient", person, 32, more=more)
    _, _, page = client.ask("GET", "Patient?identifier=urn:bench:same%7C&_count=1000&_elements=identifier")
    while page is not None:
        values = [e["resource"]["identifier"][0]["value"] for e in page.get("entry", ()) if e["search"]["mode"] == "match"]
        for value in set(values):
            if values.count(value) > 1:
                raise SystemExit(f"conditional create: {value} is there {values.count(value)} times: no figure")
        link = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
        page = client.ask("GET", link.split("/fhir/", 1)[1])[2] if link else None
    return found


Measurement = Callable[[Load, Client, Known], dict[str, float]]


def _updates(load: Load, client: Client, k: Known) -> dict[str, float]:
    """Ten observations a patient, each of whom keeps them."""
    return puts(load, k.observations[6000:9990], k.patients[600:999], one_observation("@P@") | {"id": "@ID@"}, 16)


MEASURES: dict[str, tuple[float, Measurement]] = {
    "read": (5000, lambda load, c, k: load.gets([f"Observation/{o}" for o in k.observations[1:5000]])),
    "vread": (5000, lambda load, c, k: load.gets([f"Observation/{o}/_history/1" for o in k.observations[1:5000]])),
    **{
        name: (2500, lambda load, c, k, name=name: load.gets(searches(k)[name]))
        for name in searches(Known("", ["x"] * 500, ["x"] * 500))
    },
    "$everything of 15": (1000, lambda load, c, k: load.gets([f"Patient/{p}/$everything" for p in k.patients[500:900]])),
    "create": (1200, lambda load, c, k: posts(load, "Observation", one_observation(k.patients[999]), 16)),
    "update": (1200, _updates),
    "conditional create, one key by 32": (500, lambda load, c, k: _conditional(load, c)),
    "transaction of 15": (120, lambda load, c, k: posts(load, "", small("@N@", "Bench", "Nhiều"), 8)),
    "history of 1,000 versions": (1000, lambda load, c, k: load.gets([f"Observation/{k.old}/_history?_count=20"])),
    "read of 1,000 versions": (5000, lambda load, c, k: load.gets([f"Observation/{k.old}"])),
}


def main() -> None:
    given = options(
        workers=(int, 2, "web processes"),
        seconds=(int, 6, "length of a run"),
        connections=(int, 32, "connections of wrk"),
        only=(str, "", "names to measure, separated by commas; all by default"),
        keep=(Path, None, "a folder for the record, kept and used again"),
    )
    print(machine())
    only = [name.strip() for name in given.only.split(",") if name.strip()]
    with place(given.keep) as here:
        if not (here.folder / "known.json").exists() and LIVES.exists():
            Import(here.app, system("bench"), here.folder / "rejects").run([LIVES])
        token = asyncio.run(lives(here))
        with serving(here.app, given.workers) as port:
            ready(port)
            known = fill(here, port, token)
            reads, commits = pgbench_limit(here), asyncio.run(commit_limit(here.owner))
            print(f"machine: {reads:,.0f} bodies/s by primary key (pgbench), {commits:,.0f} single-row commits/s", flush=True)
            load, client = Load(port, token, here.folder, given.connections, given.seconds), Client(port, token)
            for name, (bar, measurement) in MEASURES.items():
                if not only or any(o in name for o in only):
                    _one(here, name, bar, measurement, load, client, known, reads)
            if not only or "walk" in only:
                _walks(load, known)
        if not only or "export" in only:
            asyncio.run(_export(here))


def _one(
    here: Place, name: str, bar: float, measurement: Measurement, load: Load, client: Client, known: Known, limit: float
) -> None:
    before = asyncio.run(_lines(here.owner))
    try:
        found = measurement(load, client, known)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"{name}: no figure: {error}", flush=True)
        return
    lines = asyncio.run(_lines(here.owner)) - before
    if found["errors"]:
        print(f"{name}: {found['errors']:.0f} of {found['n']:.0f} requests failed: no figure", flush=True)
        return
    if lines < found["n"]:
        print(f"{name}: {found['n']:.0f} answers but only {lines} lines in the trail: no figure", flush=True)
        return
    say(name, found["rate"], "/s", bar, limit=limit)
    print(
        f"    half within {found['p50']:.1f} ms, 95 % within {found['p95']:.1f} ms, {found['cpu']:.2f} ms of CPU each", flush=True
    )


def _walks(load: Load, known: Known) -> None:
    """Ten pages of a hundred; a walk ends where no next link comes."""
    starts = [f"Observation?code={LOINC}%7C{code}&date=ge2026-11-01&date=lt2026-11-20&_count=100" for code in CODES[1:]]
    found = walk(load, starts)
    if found["errors"]:
        print("walk: some requests failed: no figure")
        return
    say("walk of 1,000 results in pages of 100", found["rate"] / 10, "walks/s", 80)
    print(f"    {found['cpu'] * 10:.1f} ms of CPU a walk")


async def _export(here: Place) -> None:
    """The whole record by the background worker's own handler: files on disk, trail lines of each patient."""
    engine = await Engine.open(here.app, services=False)
    scope = system("bench")

    async def again(said: Any, reason: str) -> Scope:
        return scope

    id_ = await export.begin(engine, scope, export.Asked("system", "bench"))
    handler = export.job(engine, Blobs(here.folder / "export"), 1.0, again)
    began, before = time.perf_counter(), sum(psutil.Process().cpu_times()[:2])
    while await handler({"id": id_}) is not None:
        pass
    took = time.perf_counter() - began
    own = sum(psutil.Process().cpu_times()[:2]) - before
    row = await export.look(engine, scope, id_)
    files = json.loads(row["files"])
    await engine.close()
    n, size = sum(f["count"] for f in files), sum(f["bytes"] for f in files)
    there = int(here.server.psql("SELECT count(*) FROM head WHERE NOT deleted", "longbien"))
    if n != there:
        raise SystemExit(f"export: {n} of {there} resources: no figure")
    say("bulk export", n / took, "resources/s", 30_000)
    memory = psutil.Process().memory_info().rss >> 20
    print(f"    {n:,} resources, {size / took / 1e6:.0f} MB/s, {own / n * 1e6:.0f} µs of the worker's CPU each, {memory} MB held")


async def _lines(url: str) -> int:
    connection = await asyncpg.connect(url)
    n: int = await connection.fetchval("SELECT count(*) FROM audit")
    await connection.close()
    return n


if __name__ == "__main__":
    main()
