import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { standIn } from '@rondo/rpc/testing';
import { root } from '../src/workspace/paths.js';
import { rondo } from './recording-context.js';
import { useStandIns } from './stand-in-fleet.js';

const { environment, register } = useStandIns('remove');

/** A workspace of a service with workflows and one without. */
let repository: string;
beforeEach(() => {
  repository = mkdtempSync(path.join(tmpdir(), 'rondo-remove-'));
  const folder = (...parts: readonly string[]) => {
    mkdirSync(path.join(repository, ...parts), { recursive: true });
    return path.join(repository, ...parts);
  };
  const descriptors = 'packages/contracts/descriptors.binpb';
  folder('packages/contracts');
  cpSync(path.join(root, descriptors), path.join(repository, descriptors));
  for (const [index, [service, file]] of Object.entries({ hr: 'workflows', sums: 'adder' }).entries()) {
    const rondo = { port: 50_060 + index, contracts: [`rondo/conformance/v1/${file}.proto`] };
    writeFileSync(path.join(folder('services', service), 'package.json'), JSON.stringify({ rondo }));
  }
});
afterEach(() => rmSync(repository, { recursive: true }));

const remove = (...args: readonly string[]) =>
  rondo(['remove', 'service', ...args, '--dry-run'], { repository, environment: environment() });

const method = 'rondo.conformance.v1.HiringService/Hire';
const runNamed = (id: string, more: object = {}) => ({
  name: `operations/rondo.conformance.v1.HiringService/${id}`,
  method,
  state: RunState.RUN_STATE_WAITING,
  ...more,
});
const start = (...runs: readonly object[]) => {
  const service = standIn(RunServiceDefinition, { listRuns: () => ({ runs: [...runs] }) });
  return register('hr-1', service, 'rondo.conformance.v1.HiringService');
};

it('a service whose runs have not ended is not removed, unless by force', async () => {
  await start(runNamed('01A'), runNamed('01B'), runNamed('01C', { endTime: new Date() }));
  expect(await remove('hr')).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringMatching(/HiringService\/01A and 1 more of hr would never end: wait for them, or cancel each/),
  });
  const forced = await remove('hr', '--force');
  expect([forced.exitCode, forced.stdout]).toEqual([
    0,
    expect.stringMatching(/Would remove services\/hr[\s\S]*Runs of its/),
  ]);
});

it('a service whose runs have ended is removed, and so is one without workflows', async () => {
  await start(runNamed('01C', { endTime: new Date() }));
  for (const service of ['hr', 'sums']) {
    const { exitCode, stdout } = await remove(service);
    expect([exitCode, stdout]).toEqual([0, expect.not.stringContaining('Runs of its workflows')]);
  }
});

it('says what becomes of runs if no instance can be asked for them', async () => {
  const { exitCode, stdout } = await remove('hr');
  expect([exitCode, stdout]).toEqual([
    0,
    expect.stringContaining('Runs of its workflows that haven’t ended stay in its database'),
  ]);
});
