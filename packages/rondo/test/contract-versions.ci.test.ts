import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import { loadSchema, type Schema } from '@rondo/schema';
import type { RunningService } from '@rondo/service';
import { compareContracts } from '../src/contract/compare.js';
import { dividedServices, inspect } from '../src/contract/inspect.js';
import { compile } from './compile.js';
import { startFakeRegistry } from './fake-registry.js';
import { startMute } from './mute-server.js';
import { type RunOptions, rondo } from './recording-context.js';
import { startAdder } from './services.js';

const SERVICE = 'rondo.conformance.v1.AdderService';
const METHODS = { plain: '', modulo: 'rpc Modulo(AddRequest) returns (AddResponse);' };

/** A contract of the adder with the given type of `AddRequest.b`, and more fields. */
const contract = (b: string, { method = '', field = '' } = {}) => `syntax = "proto3"; package rondo.conformance.v1;
  service AdderService { rpc Add(AddRequest) returns (AddResponse); ${method} }
  message AddRequest { int64 a = 1; ${b} b = 2; ${field} }
  message AddResponse { int64 result = 1; }`;

const CONTRACTS = {
  plain: contract('int64'),
  text: contract('string'),
  modulo: contract('int64', { method: METHODS.modulo, field: 'int32 modulus = 3;' }),
  rounding: contract('int64', { field: 'string rounding = 3;' }),
  unsigned: contract('uint64'),
};

let folder: string;
let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
const running: RunningService[] = [];
const listening: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rondo-versions-'));
  for (const [name, source] of Object.entries(CONTRACTS)) {
    await writeFile(join(folder, `${name}.binpb`), await compile({ 'adder.proto': source }));
  }
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  registry = await startFakeRegistry();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.drain()));
  await Promise.all(listening.splice(0).map((server) => server.close()));
  await registry.stop();
});

/** Starts adders one after the other, each with one of the contracts above; their order gives their names. */
async function startAdders(...contracts: readonly (keyof typeof CONTRACTS)[]): Promise<void> {
  for (const [index, name] of contracts.entries()) {
    const instanceId = `adder-${index + 1}`;
    running.push(await startAdder(instanceId, registry.address, { descriptors: join(folder, `${name}.binpb`) }));
    while (registry.instance(instanceId) === undefined) await new Promise(setImmediate);
  }
}

function fingerprint(instanceId: string): string {
  return registry.instance(instanceId)?.fingerprints[SERVICE] ?? 'none';
}

/** The text of `rondo ps` below its table. */
async function shown(args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
  const environment = { RONDO_REGISTRY: registry.address };
  const { exitCode, stdout, stderr } = await rondo(['ps', ...args], { environment, ...options });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.slice(stdout.indexOf('\n\n') + 1);
}

/** An instance in the registry without a process. */
function ghost(instanceId: string, address: string, fingerprints: Readonly<Record<string, string>>): Instance {
  return Instance.fromPartial({
    instanceId,
    services: [SERVICE],
    endpoints: [{ address, security: Security.SECURITY_PLAINTEXT }],
    fingerprints,
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
  });
}

/** A server without services that counts its connections. */
async function listen() {
  const mute = await startMute();
  listening.push(mute);
  return mute;
}

describe('rondo ps, of replicas with different contracts,', () => {
  it('names what they would misread', async () => {
    await startAdders('plain', 'text', 'plain');
    expect(await shown()).toBe(
      [
        '',
        `${SERVICE}: 2 versions of the contract`,
        `  ${fingerprint('adder-1')}  adder-1, adder-3`,
        `  ${fingerprint('adder-2')}  adder-2`,
        '    incompatible: Field "2" with name "b" on message "AddRequest" changed type from "int64" to "string"',
        '',
      ].join('\n'),
    );
  });

  it('names the newer version without a warning', async () => {
    await startAdders('plain', 'modulo');
    expect(await shown([SERVICE])).toContain('  adder-2\n    newer: adds method Modulo, field AddRequest.modulus\n');
  });

  it('names the older version if most instances are newer', async () => {
    await startAdders('plain', 'modulo', 'modulo');
    expect(await shown()).toContain('  adder-1\n    older: lacks method Modulo, field AddRequest.modulus\n');
  });

  it('names what is written differently but read the same', async () => {
    await startAdders('plain', 'unsigned');
    expect(await shown()).toContain('    compatible: each reads what the other writes\n');
  });

  it('compares each with each: two that are newer may be incompatible', async () => {
    await startAdders('plain', 'plain', 'modulo', 'rounding');
    const lines = (await shown()).split('\n').slice(4);
    expect(lines).toEqual([
      '    newer: adds method Modulo, field AddRequest.modulus',
      `  ${fingerprint('adder-4')}  adder-4`,
      '    newer: adds field AddRequest.rounding',
      expect.stringMatching(`^    incompatible with ${fingerprint('adder-3')}: Field "3" .*json_name`),
      expect.stringMatching(/: Field "3" on message "AddRequest" changed name from "modulus" to "rounding"$/),
      expect.stringMatching(/: Field "3" with name "rounding" .* changed type from "int32" to "string"$/),
      '',
    ]);
  });

  it('prints all of it for programs', async () => {
    await startAdders('plain', 'text');
    const args = ['ps', 'AdderService', '--json', '--registry', registry.address];
    const { instances, contracts } = JSON.parse((await rondo(args)).stdout);
    const [one, other] = [fingerprint('adder-1'), fingerprint('adder-2')];
    expect(instances).toMatchObject([{ fingerprints: { [SERVICE]: one } }, { fingerprints: { [SERVICE]: other } }]);
    const text = 'Field "2" with name "b" on message "AddRequest" changed type from "int64" to "string"';
    const comparisons = [{ with: one, differences: [{ kind: 'incompatible', text }] }];
    expect(contracts).toEqual([
      {
        service: SERVICE,
        compatible: false,
        versions: [
          { fingerprint: one, instances: ['adder-1'], comparisons: [], notCompared: null },
          { fingerprint: other, instances: ['adder-2'], comparisons, notCompared: null },
        ],
      },
    ]);
  });

  it('says which could not be compared, and why', async () => {
    await startAdders('plain');
    registry.put(ghost('ghost', '127.0.0.1:1', { [SERVICE]: 'cafe' }));
    expect(await shown()).toMatch(/ {2}cafe {2}ghost\n {4}differs, not compared: 127\.0\.0\.1:1: .*ECONNREFUSED/);
    const args = ['ps', '--json', '--registry', registry.address];
    expect(JSON.parse((await rondo(args)).stdout).contracts).toMatchObject([{ compatible: null }]);
  });

  it('waits no longer than 3 s for an instance that is silent', async () => {
    const { address } = await listen();
    const clock = new ManualClock();
    const instances = [ghost('one', address, { [SERVICE]: 'cafe' }), ghost('other', address, { [SERVICE]: 'babe' })];
    const inspected = inspect(dividedServices(instances), { clock, signal: new AbortController().signal });
    await clock.advance(3_000);
    const notCompared = `${address}: no answer in time`;
    expect(await inspected).toMatchObject([{ compatible: null, versions: [{ notCompared }, { notCompared }] }]);
    expect(clock.timers).toBe(0);
  });

  it('asks no instance if all have the same fingerprint, or none', async () => {
    const { address, connections } = await listen();
    const put = (id: string, prints: Readonly<Record<string, string>>) => registry.put(ghost(id, address, prints));
    put('one', { [SERVICE]: 'cafe' });
    put('same', { [SERVICE]: 'cafe' });
    put('silent', {});
    expect(await shown()).not.toContain('versions of the contract');
    expect(connections()).toBe(0);
    put('other', { [SERVICE]: 'babe' });
    // No instance answers: the limit is not multiplied.
    expect(await shown([], { clock: systemClock })).toContain('2 versions of the contract');
    expect(connections()).toBeGreaterThan(0);
  });
});

it('are not compared without buf, which an image lacks', async () => {
  const { file } = fromBinary(FileDescriptorSetSchema, await compile({ 'adder.proto': CONTRACTS.plain }));
  const schema = loadSchema(SERVICE, file);
  const { signal } = new AbortController();
  expect(await compareContracts(schema, schema, { signal })).toEqual([]);
  await expect(compareContracts(schema, schema, { signal, buf: '/no/buf' })).rejects.toThrow(
    'buf compares contracts, which a workspace has: run rondo there',
  );
});

it.each([
  { what: 'a required field', one: 'required int32 a = 1;', other: '', also: ['incompatible'] },
  { what: 'a field that is reserved', one: 'optional int32 a = 1;', other: 'reserved 1; reserved "a";', also: [] },
])('differ by $what, whichever is compared with which', async ({ one, other, also }) => {
  const schemaOf = async (fields: string) => {
    const source = `syntax = "proto2"; package p; service S { rpc Go(M) returns (M); } message M { ${fields} }`;
    const { file } = fromBinary(FileDescriptorSetSchema, await compile({ 'p.proto': source }));
    return loadSchema('p.S', file);
  };
  const [before, after] = [await schemaOf(one), await schemaOf(other)];
  const { signal } = new AbortController();
  const kinds = async (from: Schema, to: Schema) =>
    (await compareContracts(from, to, { signal })).map((found) => found.kind);
  expect(await kinds(before, after)).toEqual([...also, 'removed']);
  expect(await kinds(after, before)).toEqual([...also, 'added']);
});

const BEHAVIOR = `syntax = "proto3"; package google.api; import "google/protobuf/descriptor.proto";
  extend google.protobuf.FieldOptions { repeated FieldBehavior field_behavior = 1052 [packed = false]; }
  enum FieldBehavior { FIELD_BEHAVIOR_UNSPECIFIED = 0; OPTIONAL = 1; REQUIRED = 2; }`;

it.each([
  ['a field that was optional', 'string b = 2;', 'string b = 2 [(google.api.field_behavior) = REQUIRED];'],
  ['a new field', 'string a = 1;', 'string a = 1; string b = 2 [(google.api.field_behavior) = REQUIRED];'],
])('is incompatible with one that asks for %s', async (_, one, other) => {
  const schemaOf = async (fields: string, messages = '') => {
    const source = `syntax = "proto3"; package p; import "google/api/field_behavior.proto";
      service S { rpc Go(M) returns (M); } message M { ${fields} } ${messages}`;
    const sources = { 'p.proto': source, 'google/api/field_behavior.proto': BEHAVIOR };
    return loadSchema('p.S', fromBinary(FileDescriptorSetSchema, await compile(sources)).file);
  };
  const asks = 'message New { string c = 1 [(google.api.field_behavior) = REQUIRED]; }';
  const [before, after] = [await schemaOf(one), await schemaOf(other, asks)];
  const { signal } = new AbortController();
  const faults = async (from: Schema, to: Schema) =>
    (await compareContracts(from, to, { signal })).filter(({ kind }) => kind === 'incompatible');
  expect(await faults(before, after)).toEqual([
    { kind: 'incompatible', text: 'field p.M.b is REQUIRED now, and earlier callers may leave it out' },
  ]);
  expect(await faults(after, before)).toEqual([
    { kind: 'incompatible', text: 'field p.M.b was REQUIRED, and earlier servers refuse calls without it' },
  ]);
  expect(await faults(after, after)).toEqual([]);
});
