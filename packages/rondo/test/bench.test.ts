import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startFakeRegistry } from './fake-registry.js';
import { begin, rondo } from './recording-context.js';
import { startAdder, startConformance } from './services.js';

const closers: (() => unknown)[] = [];
let environment: { RONDO_REGISTRY: string };

beforeAll(async () => {
  const registry = await startFakeRegistry();
  closers.push(() => registry.stop());
  environment = { RONDO_REGISTRY: registry.address };
  const adder = await startAdder('adder-1', registry.address);
  closers.push(() => adder.drain());
  const conformance = await startConformance('conformance-1', registry.address);
  closers.push(() => conformance.drain());
  for (const name of ['adder-1', 'conformance-1']) await registry.until(name, 'INSTANCE_STATUS_SERVING');
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const ADD = ['bench', 'AdderService/Add', '{"a": 1, "b": 2}', '--step', '1s', '--from', '20'];

it('rondo bench measures steps, and asks the instance how busy it was', async () => {
  const { exitCode, stdout } = await rondo([...ADD, '--max', '20', '--limit', '60s', '--json'], { environment });
  const { method, instances, steps, knee } = JSON.parse(stdout);
  expect(steps).toMatchObject([{ offered: 20, failed: 0 }]);
  // A machine that is busy with other things may not make twenty calls in a second.
  const holds = steps[0].broken === null;
  expect({ exitCode, method, instances }).toEqual({
    exitCode: holds ? 0 : 1,
    method: 'rondo.conformance.v1.AdderService/Add',
    instances: 1,
  });
  expect(steps[0].eventLoop.busy).toBeGreaterThan(0);
  expect(knee?.offered).toBe(holds ? 20 : undefined);
});

it('Ctrl-C ends rondo bench, which prints the steps so far', async () => {
  const run = begin(ADD, { environment });
  await run.stderr.shows(/^20\/s: p99 /);
  run.interrupt();
  const exitCode = await run.exitCode;
  // On a busy machine the step may be broken.
  const [, result] = /^OFFERED\/S .*\n20\.0 [\s\S]*\n(Knee: |No step held)/.exec(run.stdout.text()) ?? [];
  expect({ result, exitCode }).toEqual(
    exitCode === 0 ? { result: 'Knee: ', exitCode } : { result: 'No step held', exitCode: 1 },
  );
});

it.each([
  [['bench'], 2, 'name a method'],
  [['bench', 'AdderService/Add', '--step', '1ms'], 2, '--step 1ms: must be at least 1s, such as 5s'],
  [['bench', 'AdderService/Add', '--from', '1000000'], 2, '--from 1000000: must be at most 100000'],
  [['bench', 'ConformanceService/ServerStream', '{}'], 2, 'streams: rondo bench is for methods with one request'],
  [['bench', 'ConformanceService/UnaryUnsafe', '{}'], 2, "isn't NO_SIDE_EFFECTS by its contract"],
  [
    ['bench', 'AdderService/Add', '{"a": 1, "b": -1}'],
    1,
    'the first call failed, so none more is made: INVALID_ARGUMENT',
  ],
])('rondo %j is refused', async (args, exitCode, why) => {
  const run = await rondo(args, { environment });
  expect(run).toMatchObject({ exitCode, stdout: '' });
  expect(run.stderr).toContain(why);
});
