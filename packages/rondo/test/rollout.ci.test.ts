import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import type { RunningService } from '@rondo/service';
import { root } from '../src/workspace/paths.js';
import { compile } from './compile.js';
import { startFakeRegistry } from './fake-registry.js';
import { instanceAt } from './instance.js';
import { rondo } from './recording-context.js';
import { startAdder } from './services.js';

const SERVICE = 'rondo.conformance.v1.AdderService';
const contract = (b: string, more = '') => `syntax = "proto3"; package rondo.conformance.v1;
  service AdderService { rpc Add(AddRequest) returns (AddResponse); ${more} }
  message AddRequest { int64 a = 1; ${b} }
  message AddResponse { int64 result = 1; }
  message HireRequest { string person = 1; }
  message Approval { string by = 1; }`;
const RUNNING = contract('int64 b = 2;', 'rpc Halve(AddRequest) returns (AddResponse);');

const builtOf = (file: string) => JSON.stringify(path.join(root, file));
/** The program of a service whose workflow has one step of this name. A call would end it. */
const program = (step: string) => `
  import { runService } from ${builtOf('packages/service/dist/exports/index.js')};
  import { createJobs, workflow } from ${builtOf('packages/jobs/dist/exports/index.js')};
  import { AdderServiceDefinition } from ${builtOf('packages/contracts/dist/rondo/conformance/v1/adder.js')};
  import { Approval, HiringServiceDefinition } from ${builtOf('packages/contracts/dist/rondo/conformance/v1/workflows.js')};
  const { methods } = HiringServiceDefinition;
  const hire = workflow(methods.hire, async (_request, run) => {
    await run.call('${step}', AdderServiceDefinition.methods.add, {}, { atLeastOnce: true });
    await run.wait('approval', Approval);
    await run.step('mail', () => process.exit(1));
    return {};
  });
  await runService({
    name: 'hr',
    port: 50999,
    createApp(context) {
      const query = () => process.exit(1);
      const database = { query, one: query, maybeOne: query, transaction: query };
      return { services: [], parts: [createJobs({ ...context, database, services: [HiringServiceDefinition], workflows: [hire] })] };
    },
  });`;

/** The workspace, and the registry of what runs: one adder of the contract above. */
let repository: string;
let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let adder: RunningService;

const write = (file: string, content: string | Uint8Array) => {
  mkdirSync(path.dirname(path.join(repository, file)), { recursive: true });
  writeFileSync(path.join(repository, file), content);
};
const build = async (source: string) =>
  write('packages/contracts/descriptors.binpb', await compile({ 'adder.proto': source }));
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], { cwd: repository });
const check = (...more: readonly string[]) =>
  rondo(['rollout', 'check', ...more], { repository, environment: { RONDO_REGISTRY: registry.address } });

beforeAll(async () => {
  repository = mkdtempSync(path.join(tmpdir(), 'rondo-rollout-'));
  write('package.json', '{}');
  write('running.binpb', await compile({ 'adder.proto': RUNNING }));
  write('services/adder/migrations/0001_create.sql', 'CREATE TABLE a (id text PRIMARY KEY, b text);\n');
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'what runs');
  git('tag', 'v1');
  registry = await startFakeRegistry();
  adder = await startAdder('adder-1', registry.address, { descriptors: path.join(repository, 'running.binpb') });
  while (registry.instance('adder-1') === undefined) await new Promise(setImmediate);
});

afterAll(async () => {
  await adder?.drain();
  await registry?.stop();
  rmSync(repository, { recursive: true });
});

describe('rondo rollout check', () => {
  it('has nothing to say of what runs already', async () => {
    await build(RUNNING);
    expect(await check('--since', 'v1')).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: '1 contracts: as they run\nmigrations: none\n',
    });
  });

  it('refuses a build that is older than the sources', async () => {
    const text = "the build doesn't match the sources";
    const doctor = {
      runningSystem: async () => undefined,
      async *examineRepository() {},
      staleBuild: async () => text,
    };
    expect(await rondo(['rollout', 'check'], { repository, doctor })).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining(text),
    });
  });

  it('lets through what is added, and says from when on it may be used', async () => {
    await build(RUNNING.replace('rpc Halve', 'rpc Double(AddRequest) returns (AddResponse); rpc Halve'));
    const { exitCode, stdout } = await check();
    expect([exitCode, stdout.split('\n').slice(0, 2)]).toEqual([
      0,
      [`${SERVICE}, at adder-1`, '  adds, for callers once all instances are new: method Double'],
    ]);
    expect(stdout).toContain('migrations: not checked');
  });

  it('refuses a method that is gone, and a field that is changed', async () => {
    await build(contract('string b = 2;'));
    const { exitCode, stdout } = await check('AdderService');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('  breaks: no method Halve\n');
    expect(stdout).toMatch(/ {2}breaks: Field "2" .* changed type from "int64" to "string"\n/);
    const address = registry.instance('adder-1')?.endpoints[0]?.address ?? '';
    expect(await check('--address', address)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(`${SERVICE}, at ${address}\n  breaks: `),
    });
    const { contracts } = JSON.parse((await check('--json')).stdout);
    expect(contracts).toMatchObject([{ service: SERVICE, instances: ['adder-1'], notCompared: null }]);
  });

  it('names stored jobs and events that the build would misread', async () => {
    const [method, counts] = [`${SERVICE}/Add`, { waiting: 3n, failed: 1n }];
    const services = [
      standIn(JobServiceDefinition, { listJobs: () => ({ methods: [{ method, ...counts }] }) }),
      standIn(EventServiceDefinition, { listGroups: () => ({ groups: [{ name: 'g', method, ...counts }] }) }),
    ];
    const publisher = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
    const served = services.map(({ definition }) => definition.fullName);
    registry.put(instanceAt(publisher.address, 'sales-1', served));
    await build(RUNNING.replace('int64 b', 'string b'));
    const { exitCode, stdout } = await check();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      / {2}breaks: 8 stored calls of .*AdderService\/Add.*AddRequest\.b was integer, and is string\n/,
    );
    expect(stdout).not.toMatch(/stored calls of .*Halve/);
    await publisher.drain(0);
  });

  it('names open runs that the build would park, by a trial in a process of its service, and what they have stored and it misreads', async () => {
    const hire = 'rondo.conformance.v1.HiringService/Hire';
    const recorded = (name: string) => ({
      name,
      kind: 'call',
      outcome: { code: 0, bytes: new Uint8Array(), place: 1 },
    });
    const runs = ['1', '2'].map((run) => ({ name: `operations/${run}`, method: hire, steps: [recorded('add')] }));
    const service = standIn(RunServiceDefinition, {
      async *readRecords() {
        yield* runs;
      },
    });
    const living = await serve(createRouter({ services: [service] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(living.address, 'hr-1', [service.definition.fullName]));
    const workflows = `syntax = "proto3"; package rondo.conformance.v1; import "adder.proto";
      service HiringService { rpc Hire(HireRequest) returns (HireRequest); }`;
    const proto = 'rondo/conformance/v1/workflows.proto';
    const changed = RUNNING.replace('int64 result', 'string result').replace('string person', 'bytes person');
    const sources = { 'adder.proto': changed.replace('string by', 'int64 by'), [proto]: workflows };
    write('packages/contracts/descriptors.binpb', await compile(sources));
    write('services/hr/package.json', JSON.stringify({ type: 'module', rondo: { port: 50999, contracts: [proto] } }));
    const deploy = (step: string) => write('services/hr/dist/main.js', program(step));
    deploy('add');
    const fitting = (await check()).stdout;
    expect(fitting).toContain('runs: 2 open ones tried\n');
    expect(fitting).not.toContain('parks:');
    for (const [type, why] of [
      ['AddResponse', 'AddResponse.result was integer, and is string'],
      ['HireRequest', 'HireRequest.person was string, and is bytes'],
      ['Approval', 'Approval.by was string, and is integer'],
    ])
      expect(fitting).toContain(`  breaks: 2 open runs would misread their rondo.conformance.v1.${type}: ${why}\n`);
    deploy('sum');
    const { exitCode, stdout } = await check();
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      `  parks: operations/1 and 1 more of ${hire}: the function asks for sum, and has not asked for add, which is recorded`,
    );
    write('services/hr/dist/main.js', 'throw new Error("it has a fault")');
    expect((await check()).stdout).toMatch(/not tried: the runs of hr: .*it has a fault/s);
    rmSync(path.join(repository, 'services/hr'), { recursive: true });
    expect((await check()).stdout).toContain(
      `parks: operations/1 and 1 more of ${hire}: the build has no function for it`,
    );
    await living.drain(0);
    registry.remove('hr-1');
  });

  it('refuses migrations that replicas of the version before do not survive, and those that were changed', async () => {
    await build(RUNNING);
    write('services/adder/migrations/0002_widen.sql', 'ALTER TABLE a ADD COLUMN c text;\n');
    expect(await check('--since', 'v1')).toMatchObject({ exitCode: 0 });
    write('services/adder/migrations/0003_drop.sql', 'ALTER TABLE a DROP COLUMN b;\n');
    write('services/adder/migrations/0001_create.sql', 'CREATE TABLE a (id text PRIMARY KEY);\n');
    const { exitCode, stdout } = await check('--since', 'v1');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/ {2}breaks: services\/adder\/migrations\/0003_drop\.sql:.*column/i);
    expect(stdout).toContain('  breaks: services/adder/migrations/0001_create.sql: was applied in another form');
    expect(stdout).not.toMatch(/breaks: .*0002/);
  });

  it('names a commit that is not there, and an action that is not', async () => {
    expect((await check('--since', 'v9')).stderr).toContain('name the commit or the tag that runs');
    expect((await rondo(['rollout'])).stderr).toContain('say what to do: rondo rollout check');
  });
});
