import { beforeEach, expect, it } from '@jest/globals';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { useStandIns } from './stand-in-fleet.js';

const { run, register } = useStandIns('events');
let recorded: string[];
let carrierFault: string;

beforeEach(() => {
  recorded = [];
  carrierFault = '';
});

const group = 'sales.v1.OrderPlaced:deliveries';
const method = 'projects.v1.DeliveryService/OnOrderPlaced';
const owner = 'spiffe://rondo.local/project-management';
const hoursAgo = (hours: number) => new Date(systemClock.now() - hours * 3_600_000 - 60_000);
const event = { id: 17n, group, key: 'orders/7', attempts: 12, error: 'no team\u001b[31m', publishTime: hoursAgo(2) };

/** A registered instance of a service with topics. */
async function start(instanceId: string, service = 'sales.v1.OrderService', name = group): Promise<void> {
  const resolve = (what: string) => (request: { id: bigint }) => {
    recorded.push(`${instanceId} ${what} ${request.id}`);
    if (request.id !== event.id) throw new RpcError(Status.NOT_FOUND, `there is no event ${request.id} here`);
    return event;
  };
  const topics = standIn(EventServiceDefinition, {
    listGroups: () => ({
      groups: [{ name, method, owner, waiting: 2n, running: 1n, failed: 1n, cut: 3n, oldestTime: hoursAgo(3) }],
      events: [event],
      refused: [{ ...event, id: 18n, key: 'orders/8', attempts: 0, refusals: 369, error: 'UNAVAILABLE: full' }],
      topics: ['sales.v1.OrderPlaced'],
      carrierFault,
    }),
    retryEvent: resolve('retry'),
    discardEvent: resolve('discard'),
    replayEvents({ fromTime }) {
      recorded.push(`${instanceId} replay ${fromTime?.toISOString()}`);
      return { events: 5n };
    },
    handOverGroup({ owner: to }) {
      recorded.push(`${instanceId} hand over to ${to}`);
      return {};
    },
    removeGroup() {
      recorded.push(`${instanceId} remove`);
      return {};
    },
  });
  await register(instanceId, topics, service);
}

it('ls shows the groups of each service, and as text the events that failed or are tried again', async () => {
  await start('sales-1');
  const { exitCode, stdout } = await run('ls');
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['GROUP', 'METHOD', 'WAITING', 'RUNNING', 'FAILED', 'OLDEST', 'CUT', 'OWNER'],
    [group, method, '2', '1', '1', '3h', '3', owner],
    [''],
    ['EVENT', 'GROUP', 'KEY', 'STATE', 'AGE', 'TRIES', 'REFUSED', 'WHY'],
    ['17', group, 'orders/7', 'FAILED', '2h', '12', '0', 'no team\\u001b[31m'],
    ['18', group, 'orders/8', 'RETRIED', '2h', '0', '369', 'UNAVAILABLE: full'],
    [''],
  ]);
  expect(JSON.parse((await run('ls', '--json')).stdout)).toMatchObject({
    groups: [{ name: group, failed: '1', cut: '3' }],
    events: [{ id: '17', key: 'orders/7' }],
    refused: [{ id: '18', refusals: 369 }],
  });
});

it('ls shows what the database has while NATS is away, says so and fails', async () => {
  await start('sales-1');
  carrierFault = 'connection refused\u001b[31m';
  const { exitCode, stdout, stderr } = await run('ls');
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining('17')]);
  expect(stderr).toContain(
    'what waits in NATS for sales.v1.OrderPlaced is not in the numbers: connection refused\\u001b[31m',
  );
});

it('a service that can not be asked hides no group of another, and ls says why and fails', async () => {
  const broken = standIn(EventServiceDefinition, {
    listGroups() {
      throw new RpcError(Status.INTERNAL, 'its database\n\u001b[2J is gone');
    },
  });
  await register('projects-1', broken, 'projects.v1.ProjectService');
  await start('sales-1');
  const { exitCode, stdout, stderr } = await run('ls');
  expect([exitCode, stdout, stderr]).toEqual([
    1,
    expect.stringContaining(group),
    expect.stringContaining('database\\n\\u001b[2J is gone'),
  ]);
  expect((await run('remove-group', group)).stdout).toBe(`${group} is removed\n`);
});

it('retry and discard ask one instance, whose refusal is final', async () => {
  await start('sales-1');
  expect((await run('retry', '17')).stdout).toBe(`${group} orders/7 is tried again\n`);
  expect((await run('discard', '17', 'OrderService')).stdout).toBe(`${group} orders/7 is discarded\n`);
  const refused = await run('retry', '18');
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('there is no event 18 here')]);
});

it('replay, hand-over and remove-group find the service of the group', async () => {
  await start('projects-1', 'projects.v1.ProjectService', 'projects.v1.Closed:mail');
  await start('sales-1');
  expect((await run('replay', group, '2026-03-01T09:00:00Z')).stdout).toBe(
    `5 events are delivered to ${group} again\n`,
  );
  expect((await run('hand-over', group, owner)).stdout).toBe(`${group} belongs to ${owner}\n`);
  expect((await run('remove-group', group)).stdout).toBe(`${group} is removed\n`);
  expect(recorded).toEqual([
    ...['sales-1 replay 2026-03-01T09:00:00.000Z', `sales-1 hand over to ${owner}`, 'sales-1 remove'],
  ]);
  for (const from of ['noon', '5', '2026-03-01', '2026-13-01T09:00:00Z'])
    expect((await run('replay', group, from)).stderr).toContain(`${from} is no time`);
  expect((await run('remove-group', 'x')).stderr).toContain('there is no group x');
  expect((await run('retry', '17')).stderr).toContain('name one after the id');
});

it.each([[['retry']], [['discard', 'x']], [['remove', '17']]])('rondo events %j is no command', async (words) => {
  await start('sales-1');
  expect((await run(...words)).exitCode).toBe(2);
});
