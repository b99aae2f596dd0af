import { expect, it } from '@jest/globals';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { commandTools } from '../src/agents/tools.js';
import { recordingContext } from './recording-context.js';
import { useStandIns } from './stand-in-fleet.js';

const { run, environment, register } = useStandIns('runs');

const at = (minute: number) => new Date(`2026-03-01T09:0${minute}:00Z`);
const name = 'operations/sales.v1.OrderService/01J';
const blocked = {
  name,
  method: 'sales.v1.OrderService/FulfilOrder',
  key: 'orders/7',
  attempts: 12,
  error: 'no stock\u001b[31m',
  state: RunState.RUN_STATE_BLOCKED,
  createTime: new Date(systemClock.now() - 7_300_000),
};
const parked = { ...blocked, name: `${name}P`, state: RunState.RUN_STATE_PARKED, undoing: true, error: 'cancelled' };
const steps = [
  { name: 'reserve', kind: 'call', beginTime: at(0), endTime: at(1), repeated: true, traceId: '29d1' },
  { name: 'pay', kind: 'call', beginTime: at(2), error: 'declined' },
  { name: 'undo reserve', kind: 'call', undoing: true, beginTime: at(3) },
];

/** A registered instance of a service with workflows. Returns what it is asked for. */
async function start(instanceId: string, service = 'sales.v1.OrderService') {
  const recorded: string[] = [];
  const change = (what: string, state: RunState, undoing: boolean) => (request: { readonly name: string }) => {
    recorded.push(`${what} ${request.name}`);
    if (![name, parked.name].includes(request.name))
      throw new RpcError(Status.NOT_FOUND, `there is no run ${request.name}`);
    return { name: request.name, state, undoing };
  };
  const runs = standIn(RunServiceDefinition, {
    listRuns: ({ state }) => ({ runs: state === RunState.RUN_STATE_FAILED ? [] : [blocked] }),
    getRun: (asked) => (asked.name === parked.name ? parked : { ...blocked, steps }),
    retryRun: change('retry', RunState.RUN_STATE_RUNNING, false),
    cancelRun: change('cancel', RunState.RUN_STATE_RUNNING, true),
  });
  await register(instanceId, runs, service);
  return recorded;
}

const rows = (stdout: string) => stdout.split('\n').map((line) => line.split(/ {2,}/));

it('ls shows the runs of each service as text, also to an agent', async () => {
  await start('sales-1');
  await start('sales-2');
  const { exitCode, stdout, stderr } = await run('ls');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(rows(stdout)).toEqual([
    ['RUN', 'WORKFLOW', 'KEY', 'STATE', 'GOES ON', 'AGE', 'TRIES', 'WHY'],
    [name, 'FulfilOrder', 'orders/7', 'BLOCKED', '-', '2h', '12', 'no stock\\u001b[31m'],
    [''],
  ]);
  expect(rows((await run('ls', '--state', 'FAILED')).stdout)).toHaveLength(2);
  expect(JSON.parse((await run('ls', '--json')).stdout)).toMatchObject({ runs: [{ name, state: 'BLOCKED' }] });
  const { context } = recordingContext({ environment: environment() });
  const asked = { arguments: {}, agent: 'a', signal: new AbortController().signal };
  expect(await commandTools(context).call({ ...asked, name: 'runs' })).toEqual({ text: stdout, failed: false });
});

it('show asks the service in the name of the run, and shows its steps', async () => {
  await start('sales-1');
  await start('projects-1', 'projects.v1.ProjectService');
  const { stdout } = await run('show', name);
  expect(rows(stdout)).toEqual([
    [`${name} is BLOCKED: no stock\\u001b[31m`],
    [''],
    ['STEP', 'KIND', 'BEGAN', 'ENDED', 'TRACE', 'WHY'],
    [
      'reserve',
      'call',
      '2026-03-01T09:00:00Z',
      '2026-03-01T09:01:00Z',
      '29d1',
      'a call before the restore may have made it, too',
    ],
    ['pay', 'call', '2026-03-01T09:02:00Z', '-', '-', 'declined'],
    ['undo reserve', 'undo: call', '2026-03-01T09:03:00Z', '-', '-', '-'],
    [''],
  ]);
  expect(JSON.parse((await run('show', name, '--json')).stdout)).toMatchObject({
    state: 'BLOCKED',
    steps: [{}, {}, {}],
  });
});

it('retry and cancel say what becomes of the run, and a refusal is a failure', async () => {
  const recorded = await start('sales-1');
  expect((await run('retry', name)).stdout).toBe(`${name} is RUNNING\n`);
  expect((await run('cancel', name)).stdout).toBe(`${name} is RUNNING, and undoes what it has done\n`);
  const refused = await run('retry', `${name}X`);
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining(`there is no run ${name}X`)]);
  expect(recorded).toEqual([`retry ${name}`, `cancel ${name}`, `retry ${name}X`]);
});

it('cancel of a parked run says that it is cancelled, and undone once a version that fits runs', async () => {
  const recorded = await start('sales-1');
  const later = 'undoes what it has done once a version that fits runs';
  expect((await run('cancel', parked.name)).stdout).toBe(`${parked.name} is cancelled, and ${later}\n`);
  expect((await run('show', parked.name)).stdout).toContain(`${parked.name} is PARKED, and ${later}: cancelled\n`);
  expect(recorded).toEqual([`cancel ${parked.name}`]);
});

it('says which run is meant, if it can’t be found', async () => {
  expect((await run('show', name)).stderr).toContain(
    'no registered service that "sales.v1.OrderService" means has workflows',
  );
  expect((await run('show', '17')).stderr).toContain('name: is "17"; give operations/SERVICE/ID');
  expect(await run('retry')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('name a run: rondo runs ls lists them'),
  });
});
