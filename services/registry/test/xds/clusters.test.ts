import { describe, expect, it } from '@jest/globals';
import type { Instance } from '../../src/domain/instance.js';
import { clustersOf, serviceOf, WHOLE } from '../../src/xds/clusters.js';
import { instanceAt } from './instance.js';

const SALES = 'sales.v1.OrderService';

/** The clusters, as `name percent: instances`. */
const shares = (instances: readonly Instance[], override?: number) =>
  clustersOf(SALES, instances, override).map(
    ({ name, weight, instances: members }) =>
      `${name} ${(weight / WHOLE) * 100}: ${members.map(({ instanceId }) => instanceId).join(' ')}`,
  );
const canary = (id: string, percent: string, part: Partial<Instance> = {}) =>
  instanceAt(id, { metadata: { canary: percent }, version: '2', ...part });

describe('the clusters of a service', () => {
  it('are one without canaries', () => {
    expect(shares([instanceAt('a'), instanceAt('b')])).toEqual([`${SALES} 100: a b`]);
    expect(shares([])).toEqual([]);
  });

  it('give canaries their percentages, and the stable instances the rest', () => {
    const fleet = [instanceAt('a'), canary('b', '5'), canary('c', '5'), canary('d', '0.5', { version: '3' })];
    expect(shares(fleet)).toEqual([`${SALES} 94.5: a`, `${SALES}|canary=5|2 5: b c`, `${SALES}|canary=0.5|3 0.5: d`]);
    expect(shares([instanceAt('a'), canary('b', '0')])).toEqual([`${SALES} 100: a`]);
    expect(shares([instanceAt('a'), canary('b', '75'), canary('c', '75', { version: '3' })])[0]).toBe(`${SALES} 0: a`);
  });

  it('follow the setting canary_percent', () => {
    expect(shares([instanceAt('a'), canary('b', '5')], 20)).toEqual([`${SALES} 80: a`, `${SALES}|canary=20|2 20: b`]);
    expect(shares([instanceAt('a')], 20)).toEqual([`${SALES} 100: a`]);
  });

  it('are those of the canaries alone while no other instance serves', () => {
    expect(shares([instanceAt('a', { status: 'draining' }), canary('b', '5')])).toEqual([`${SALES}|canary=5|2 100: b`]);
  });

  it('lack what drains, starts or is cordoned, but keep what drains while nothing serves', () => {
    const draining = instanceAt('a', { status: 'draining' });
    const others = [instanceAt('b', { status: 'starting' }), instanceAt('c', { operatorState: 'cordoned' })];
    expect(shares([draining, ...others])).toEqual([`${SALES} 100: a`]);
    expect(shares([draining, ...others, instanceAt('d')])).toEqual([`${SALES} 100: d`]);
  });

  it('are named after their service', () => {
    expect(serviceOf(SALES)).toBe(SALES);
    expect(serviceOf(`${SALES}|canary=5|2`)).toBe(SALES);
  });
});
