// fhir-kit-client against a running server: node fhir_kit.mjs BASE TOKEN. Prints a line for each thing that works; the first that does
// not ends it with status 1.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const [base, token] = process.argv.slice(2);
const client = new Client({ baseUrl: base, bearerToken: token });
const mark = `kit-${Date.now()}`;

async function refused(promise, status) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.response?.status, status, error.message);
    assert.equal(error.response.data.resourceType, 'OperationOutcome');
    assert.ok(error.response.data.issue[0].details.text);
    return error.response.data;
  }
  assert.fail(`${status} was expected`);
}

const steps = {
  async capabilities() {
    const statement = await client.capabilityStatement();
    assert.equal(statement.fhirVersion, '4.0.1');
    assert.ok(statement.rest[0].resource.some((r) => r.type === 'Patient'));
  },

  async 'create, read, vread, update'() {
    const made = await client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', name: [{ family: mark }], birthDate: '1950-02-01' } });
    const answer = Client.httpFor(made).response;
    assert.equal(answer.status, 201);
    assert.ok(answer.headers.get('location').endsWith(`/Patient/${made.id}/_history/1`));
    assert.deepEqual(await client.read({ resourceType: 'Patient', id: made.id }), made);
    const changed = await client.update({ resourceType: 'Patient', id: made.id, body: { ...made, gender: 'female' }, options: { headers: { 'If-Match': 'W/"1"' } } });
    assert.equal(changed.meta.versionId, '2');
    assert.deepEqual(await client.vread({ resourceType: 'Patient', id: made.id, version: '1' }), made);
    await refused(client.update({ resourceType: 'Patient', id: made.id, body: made, options: { headers: { 'If-Match': 'W/"1"' } } }), 412);
    const byCondition = await client.update({ resourceType: 'Patient', searchParams: { name: mark }, body: { resourceType: 'Patient', name: [{ family: mark }], gender: 'other' } });
    assert.equal(byCondition.id, made.id);
  },

  async patch() {
    const [{ resource }] = (await client.search({ resourceType: 'Patient', searchParams: { name: mark } })).entry;
    const changed = await client.patch({ resourceType: 'Patient', id: resource.id, jsonPatch: [
      { op: 'test', path: '/gender', value: 'other' }, { op: 'replace', path: '/gender', value: 'unknown' }, { op: 'add', path: '/active', value: true } ] });
    assert.equal(changed.gender, 'unknown');
    assert.equal(changed.active, true);
    await refused(client.patch({ resourceType: 'Patient', id: resource.id, jsonPatch: [{ op: 'replace', path: '/gender', value: 'nonsense' }] }), 422);
  },

  async 'search by GET and POST, pages there and in a compartment'() {
    const [{ resource: patient }] = (await client.search({ resourceType: 'Patient', searchParams: { name: mark } })).entry;
    for (let n = 0; n < 7; n++) {
      await client.create({ resourceType: 'Observation', body: {
        resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'http://x', code: `c${n}` }] }, subject: { reference: `Patient/${patient.id}` } } });
    }
    const asked = { subject: `Patient/${patient.id}`, _count: '3', _sort: 'code' };
    for (const postSearch of [false, true]) {
      let page = await client.search({ resourceType: 'Observation', searchParams: asked, options: { postSearch } });
      const codes = [];
      while (page) {
        codes.push(...page.entry.map((e) => e.resource.code.coding[0].code));
        page = await client.nextPage({ bundle: page });
      }
      assert.deepEqual(codes, ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
    }
    const inside = await client.compartmentSearch({ resourceType: 'Observation', compartment: { resourceType: 'Patient', id: patient.id }, searchParams: { code: 'c3' } });
    assert.equal(inside.entry.length, 1);
    const both = await client.search({ resourceType: 'Observation', searchParams: { subject: patient.id, code: 'c1', _include: 'Observation:subject' } });
    assert.deepEqual(both.entry.map((e) => e.search.mode), ['match', 'include']);
    assert.equal((await client.systemSearch({ searchParams: { _id: patient.id, _type: 'Patient' } })).entry.length, 1);
    assert.equal((await client.resolve({ reference: `Patient/${patient.id}` })).id, patient.id);
  },

  async 'transaction and batch'() {
    const urn = 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a';
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: urn } };
    const answer = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: [
      { fullUrl: urn, resource: { resourceType: 'Patient', name: [{ text: mark }] }, request: { method: 'POST', url: 'Patient' } },
      { resource: observation, request: { method: 'POST', url: 'Observation' } } ] } });
    assert.deepEqual(answer.entry.map((e) => e.response.status), ['201 Created', '201 Created']);
    const [patient, made] = answer.entry.map((e) => e.response.location.split('/').slice(-4));
    const read = await client.read({ resourceType: 'Observation', id: made[1] });
    assert.equal(read.subject.reference, `Patient/${patient[1]}`);
    const batch = await client.batch({ body: { resourceType: 'Bundle', type: 'batch', entry: [
      { request: { method: 'GET', url: `Patient/${patient[1]}` } }, { request: { method: 'GET', url: 'Patient/nobody-here' } } ] } });
    assert.deepEqual(batch.entry.map((e) => e.response.status.slice(0, 3)), ['200', '404']);
    await refused(client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: [
      { resource: { resourceType: 'Patient', id: `${mark}-half` }, request: { method: 'PUT', url: `Patient/${mark}-half` } },
      { resource: { resourceType: 'Patient', colour: 'red' }, request: { method: 'POST', url: 'Patient' } } ] } }), 422);
    await refused(client.read({ resourceType: 'Patient', id: `${mark}-half` }), 404);
  },

  async history() {
    const [{ resource }] = (await client.search({ resourceType: 'Patient', searchParams: { family: mark } })).entry;
    const all = await client.resourceHistory({ resourceType: 'Patient', id: resource.id });
    assert.equal(all.type, 'history');
    assert.deepEqual(all.entry.map((e) => e.resource.meta.versionId), all.entry.map((_, n) => String(all.entry.length - n)));
  },

  async 'history of a type and of all'() {
    const type = await client.typeHistory({ resourceType: 'Patient' });
    assert.ok(type.entry.every((e) => e.fullUrl.includes('/Patient/')));
    assert.equal((await client.systemHistory({})).type, 'history');
  },

  async operations() {
    const body = { resourceType: 'Parameters', parameter: [{ name: 'resource', resource: { resourceType: 'Patient', gender: 'nonsense' } }] };
    const said = await client.operation({ name: '$validate', resourceType: 'Patient', input: body });
    assert.equal(said.resourceType, 'OperationOutcome');
    assert.ok(said.issue.some((i) => i.severity === 'error'));
    await refused(client.operation({ name: '$nonsense', resourceType: 'Patient', method: 'GET' }), 404);
  },

  async 'delete, and what is refused'() {
    const [{ resource }] = (await client.search({ resourceType: 'Patient', searchParams: { family: mark } })).entry;
    await client.delete({ resourceType: 'Patient', id: resource.id });
    await refused(client.read({ resourceType: 'Patient', id: resource.id }), 410);
    assert.equal((await client.search({ resourceType: 'Patient', searchParams: { family: mark } })).entry, undefined);
    await refused(client.search({ resourceType: 'Patient', searchParams: { birthdate: 'nonsense' } }), 400);
    await refused(client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', colour: 'red' } }), 422);
    await refused(client.read({ resourceType: 'Nonsense', id: '1' }), 404);
    await refused(new Client({ baseUrl: base, bearerToken: 'wrong' }).read({ resourceType: 'Patient', id: '1' }), 401);
  },
};

for (const [name, step] of Object.entries(steps)) {
  try {
    await step();
  } catch (error) {
    console.error(`${name}: ${error.stack}\n${JSON.stringify(error.response?.data ?? '')}`);
    process.exit(1);
  }
  console.log(name);
}
process.exit(0);
