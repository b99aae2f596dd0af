/** Which service has a path that several claim. */

import { afterEach, describe, expect, it } from '@jest/globals';
import type { ServiceInstance } from '../src/discovery/instances.js';
import { contractFile } from './support/contracts.js';
import { instanceWith, startCatalogue, until } from './support/fleet.js';
import { closeAll } from './support/listening.js';

afterEach(closeAll);

describe('paths that two services want', () => {
  const [A, B] = ['a.v1.A', 'b.v1.B'];

  /** Two services that register as the registry tells: b.v1.B before a.v1.A. */
  async function startTwo(
    first = B,
    options: Parameters<typeof startCatalogue>[0] = {},
    times: Record<string, number> = { [A]: 2_000, [B]: 1_000 },
  ) {
    const { fleet, log, catalogue, clock } = startCatalogue(options);
    const at: Record<string, string> = {};
    for (const [service, path] of [
      [A, '/v1/things'],
      [B, '/v1/{name}'],
    ] as const) // the literal isn't the owner's
      at[service] = await instanceWith(contractFile({ service, methods: { Get: path } }));
    const add = (service: string, more: Partial<ServiceInstance>) =>
      fleet.add({ instanceId: service, address: at[service] ?? '', services: [service], ...more });
    for (const service of first === A ? [A, B] : [B, A])
      add(service, { registerTimeMs: times[service] ?? Number.POSITIVE_INFINITY });
    await until(catalogue, () => catalogue.settled);
    const owner = () => {
      const found = catalogue.route('GET', '/v1/things');
      return found !== undefined && 'target' in found ? found.target.method.service : found;
    };
    return { fleet, log, catalogue, clock, add, owner };
  }

  it.each([A, B])('belong to the one that registered first, also at a gateway that learns %s first', async (first) => {
    const { catalogue, log, owner } = await startTwo(first);
    expect(owner()).toBe(B);
    expect(catalogue.routes.map(({ target, takenBy }) => [target.method.service, takenBy])).toEqual([
      [A, `/${B}/Get`],
      [B, undefined],
    ]);
    expect(owner()).toBe(B);
    expect(log.warnings).toEqual([
      `GET /v1/things of /${A}/Get is switched off: /${B}/Get claims its paths; RONDO_GATEWAY_PATH_OWNERS can name their owner`,
    ]);
  });

  it('stay while its instances restart, and for a minute while it has none', async () => {
    const { fleet, catalogue, clock, add, owner } = await startTwo();
    fleet.remove(B);
    expect(owner()).toBe(B);
    expect(catalogue.method(`/${B}/Get`)).toMatchObject({ reason: 'NONE_RUNNING' });
    await clock.advance(59_999);
    expect(owner()).toBe(B);
    await clock.advance(1);
    expect(owner()).toBe(A);
    add(B, { incarnation: 2, registerTimeMs: 3_000, serviceTimesMs: { [B]: 1_000 } });
    await until(catalogue, () => catalogue.settled);
    expect(owner()).toBe(B);
  });

  it('are given anew when the registry that dated them starts empty, so that all gateways agree', async () => {
    const { add, owner } = await startTwo();
    expect(owner()).toBe(B);
    add(B, { registerTimeMs: 2_000, serviceTimesMs: { [B]: 2_001 } });
    expect(owner()).toBe(A);
  });

  it("don't belong to a version that adds them while another of the older service runs", async () => {
    const { fleet, catalogue, owner } = await startTwo();
    const [C, plain] = ['c.v1.C', await instanceWith(contractFile({ service: 'c.v1.C' }))];
    const stealing = await instanceWith(contractFile({ service: C, methods: { Get: '/v1/things' } }));
    const old = { services: [C], registerTimeMs: 1 };
    fleet.add({ instanceId: 'c-1', address: plain, ...old });
    fleet.add({ instanceId: 'c-2', address: stealing, ...old });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services).toHaveLength(3);
    expect(owner()).toBe(B);
    fleet.remove('c-1');
    expect(owner()).toBe(C);
  });

  it('belong to neither if the registry has no times, until the configuration names the owner', async () => {
    const { fleet, log, catalogue, clock, owner } = await startTwo(A, {}, {});
    expect(owner()).toBeUndefined();
    expect(catalogue.routes.map(({ takenBy }) => takenBy)).toEqual([`/${B}/Get`, undefined]);
    expect(log.warnings).toEqual([
      `GET /v1/things of /${A}/Get is switched off: /${B}/Get claims its paths; RONDO_GATEWAY_PATH_OWNERS can name their owner`,
    ]);
    fleet.remove(A);
    expect(owner()).toBe(A); // 503, so that a restart gives its paths to none
    await clock.advance(60_000);
    expect(owner()).toBe(B);
    expect((await startTwo(A, { pathOwners: [{ path: '/v1/things', owner: 'b' }] }, {})).owner()).toBe(B);
  });

  it('belong to the one that is configured', async () => {
    const pathOwners = [{ path: '/v1/things', owner: 'a' }];
    const { fleet, clock, catalogue, owner } = await startTwo(B, { pathOwners });
    expect(owner()).toBe(A);
    expect(catalogue.routes.map(({ takenBy }) => takenBy)).toEqual([undefined, undefined]);
    fleet.remove(A);
    await clock.advance(60_000);
    expect(owner()).toBe(A);
    const other = await startTwo(B, { pathOwners: [{ path: '/v1/things', owner: 'c' }] });
    expect(other.owner()).toBeUndefined();
    expect(other.catalogue.routes.map(({ takenBy }) => takenBy)).toEqual(['c', undefined]);
  });
});
