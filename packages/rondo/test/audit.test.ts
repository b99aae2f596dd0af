import { beforeEach, expect, it } from '@jest/globals';
import { AuditServiceDefinition, type ListAuditEventsRequest } from '@rondo/contracts/rondo/audit/v1/audit';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { useStandIns } from './stand-in-fleet.js';

const { run, register } = useStandIns('audit');
let asked: ListAuditEventsRequest[];

beforeEach(() => {
  asked = [];
});

/** An instance with `count` events, a second apart; undefined if it refuses. */
async function start(instanceId: string, service: string, count: number | undefined) {
  const audit = standIn(AuditServiceDefinition, {
    listAuditEvents(request) {
      asked.push(request);
      if (count === undefined) throw new RpcError(Status.PERMISSION_DENIED, 'needs the scope audit.read');
      const from = Number(request.pageToken || count);
      const sequences = Array.from({ length: Math.min(request.pageSize, from) }, (_, index) => from - index);
      const left = from - sequences.length;
      const events = sequences.map((sequence) => ({
        sequence: BigInt(sequence),
        createTime: new Date(Date.UTC(2026, 0, 1) + sequence * 1_000),
        ...(sequence % 2 === 0 ? { subject: 'ada' } : { process: 'spiffe://example.org/gateway' }),
        method: `/${service}/Do`,
        resource: `things/${sequence}`,
        code: sequence === 1 ? Status.NOT_FOUND : Status.OK,
        traceId: 'ab'.repeat(16),
      }));
      return { events, nextPageToken: left === 0 ? '' : `${left}` };
    },
  });
  await register(instanceId, audit, service);
}

it('prints the newest events of all services, each asked once for all its instances', async () => {
  await start('sales-1', 'sales.v1.OrderService', 2);
  await start('sales-2', 'sales.v1.OrderService', 2);
  await start('projects-1', 'projects.v1.TaskService', 1);
  const { exitCode: code, stdout } = await run('--limit', '2');
  expect([code, asked.length]).toEqual([0, 2]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['TIME', 'WHO', 'OUTCOME', 'METHOD', 'RESOURCE', 'TRACE']);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toEqual([
    '2026-01-01T00:00:02.000Z',
    'ada',
    'OK',
    'sales.v1.OrderService/Do',
    'things/2',
    'ab'.repeat(16),
  ]);
  expect(lines[2]?.slice(1, 3)).toEqual(['spiffe://example.org/gateway', 'NOT_FOUND']);
});

it('asks the services that are meant, by the filter, for as many pages as it needs', async () => {
  await start('sales-1', 'sales.v1.OrderService', 250);
  await start('projects-1', 'projects.v1.TaskService', 1);
  const { stdout } = await run('OrderService', '--filter', 'code = 0', '--limit', '150', '--json');
  const { events } = JSON.parse(stdout) as { events: { resource: string }[] };
  expect([events.length, events.at(-1)?.resource]).toEqual([150, 'things/101']);
  expect(asked.map(({ filter, pageSize, pageToken }) => [filter, pageSize, pageToken])).toEqual([
    ['code = 0', 100, ''],
    ['code = 0', 50, '150'],
  ]);
});

it('says which service refuses, prints the others, and fails', async () => {
  await start('sales-1', 'sales.v1.OrderService', undefined);
  await start('projects-1', 'projects.v1.TaskService', 1);
  const { exitCode: code, stdout, stderr } = await run('--json');
  expect([code, JSON.parse(stdout).events.length]).toEqual([1, 1]);
  expect(stderr).toContain('audit.read');
});

it('fails if no service that is meant has an audit', async () => {
  await start('sales-1', 'sales.v1.OrderService', 1);
  const { exitCode: code, stderr } = await run('CalculatorService');
  expect(code).toBe(2);
  expect(stderr).toContain('"CalculatorService" means has an audit: rondo ps');
});
