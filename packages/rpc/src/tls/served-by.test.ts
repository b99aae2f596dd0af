import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { servedByOf } from './served-by.js';

const contracts = readFileSync(new URL('../../../contracts/descriptors.binpb', import.meta.url));

it.each([
  ['rondo.registry.v1.RegistryService', ['registry']],
  ['ledger.v1.LedgerService', ['ledger']],
  ['order_history.v2beta1.HistoryService', ['order-history']],
  ['plain.Service', ['plain']],
  ['grpc.orders.v1.OrderService', ['grpc.orders']],
  ['xds.orders.v1.OrderService', ['xds.orders']],
  ['NoPackage', ['']],
])('%s is served by the process that is named like its package', (service, names) => {
  expect(servedByOf(contracts)(service)).toEqual(names);
});

it.each(['rondo.transactions.v1.ParticipantService', 'grpc.health.v1.Health', 'rondo.stats.v1.CallStatsService'])(
  '%s may be served by every process',
  (service) => {
    expect(servedByOf(contracts)(service)).toBeUndefined();
  },
);

it('bytes that are no descriptor set declare nothing', () => {
  expect(servedByOf(Buffer.from('no descriptor set'))('sales.v1.OrderService')).toEqual(['sales']);
});
