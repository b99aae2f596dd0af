import { expect, it } from '@jest/globals';
import { Catalog } from './catalog.js';

const ORDERS = 'sales.v1.OrderService';

function withOneGone(removalsKept: number): Catalog {
  const catalog = new Catalog({ epoch: 1n, removalsKept });
  catalog.put(instance('a', [ORDERS]), 0);
  catalog.remove('a', 'expired');
  return catalog;
}

it('drops the view of a service once its instances are gone and its removals are forgotten', () => {
  const catalog = withOneGone(2);
  expect(catalog.view(ORDERS)).toBeDefined();
  catalog.put(instance('b', ['x.A']), 0);
  catalog.remove('b', 'expired');
  expect(catalog.view(ORDERS)).toBeUndefined();
});

it('keeps the view of a service without instances as long as it is watched', () => {
  const catalog = new Catalog({ epoch: 1n, removalsKept: 2 });
  const watcher = { wake() {} };
  const view = catalog.watch(ORDERS, watcher);
  catalog.put(instance('a', [ORDERS]), 0);
  expect(catalog.view(ORDERS)).toBe(view);
  catalog.remove('a', 'expired');
  catalog.put(instance('b', ['x.A']), 0);
  catalog.remove('b', 'expired');
  expect(catalog.view(ORDERS)).toBe(view);
  catalog.unwatch(ORDERS, watcher);
  expect(catalog.view(ORDERS)).toBeUndefined();
});

function instance(instanceId: string, services: readonly string[]) {
  const status = 'serving' as const;
  return {
    instanceId,
    incarnation: 1n,
    endpoints: [],
    services,
    zone: '',
    version: '',
    weight: 1,
    metadata: {},
    fingerprints: {},
    status,
    operatorState: 'none' as const,
  };
}
