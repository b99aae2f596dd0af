import { describe, expect, it } from '@jest/globals';
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { createHealth } from './health.js';
import { createState, DRAINING, readinessOf } from './state.js';

const SERVICE = 'sales.v1.QuoteService';
const OWN = 'grpc.health.v1.Health';

function start() {
  const readiness = createState(readinessOf(['the database']));
  const channel = createTestChannel({ services: [createHealth({ readiness, services: [SERVICE], always: [OWN] })] });
  return { readiness, health: createClient(HealthDefinition, { channel }) };
}

describe('Check', () => {
  it.each(['', SERVICE])('reports for "%s" whether the process is ready', async (service) => {
    const { health, readiness } = start();
    expect(await health.check({ service })).toEqual({ status: ServingStatus.NOT_SERVING });
    readiness.set(readinessOf([]));
    expect(await health.check({ service })).toEqual({ status: ServingStatus.SERVING });
    readiness.set(DRAINING);
    expect(await health.check({ service })).toEqual({ status: ServingStatus.NOT_SERVING });
  });

  it('is SERVING for a service that always answers, such as health itself', async () => {
    const { health, readiness } = start();
    expect(await health.check({ service: OWN })).toEqual({ status: ServingStatus.SERVING });
    readiness.set(DRAINING);
    expect(await health.check({ service: OWN })).toEqual({ status: ServingStatus.SERVING });
  });

  it('is NOT_FOUND for an unknown service, and lists the known ones', async () => {
    const failure = start().health.check({ service: 'unknown.v1.Service' });
    await expect(failure).rejects.toMatchObject({ code: Status.NOT_FOUND, message: expect.stringContaining(SERVICE) });
  });
});

describe('List', () => {
  it('gives the status of the process and of each service', async () => {
    const [status, always] = [{ status: ServingStatus.NOT_SERVING }, { status: ServingStatus.SERVING }];
    expect(await start().health.list({})).toEqual({ statuses: { '': status, [SERVICE]: status, [OWN]: always } });
  });
});

describe('Watch', () => {
  it('sends the current status and then each change, and no status twice in a row', async () => {
    const { health, readiness } = start();
    const changes = health.watch({ service: SERVICE })[Symbol.asyncIterator]();
    const next = async () => (await changes.next()).value?.status;
    expect(await next()).toBe(ServingStatus.NOT_SERVING);
    const second = next();
    readiness.set(readinessOf(['the cache']));
    await new Promise((resolve) => setImmediate(resolve)); // anything that this change could send has been sent by now
    readiness.set(readinessOf([]));
    expect(await second).toBe(ServingStatus.SERVING);
    const third = next();
    readiness.set(DRAINING);
    expect(await third).toBe(ServingStatus.NOT_SERVING);
  });

  it('sends SERVICE_UNKNOWN for an unknown service, and keeps the stream open', async () => {
    const { health, readiness } = start();
    const leave = new AbortController();
    const changes = health.watch({ service: 'unknown.v1.Service' }, { signal: leave.signal })[Symbol.asyncIterator]();
    expect((await changes.next()).value).toEqual({ status: ServingStatus.SERVICE_UNKNOWN });
    const second = changes.next();
    readiness.set(readinessOf([]));
    leave.abort();
    await expect(second).rejects.toMatchObject({ code: Status.CANCELLED });
  });
});
