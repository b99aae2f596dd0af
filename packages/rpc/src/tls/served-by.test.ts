import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { servedByOf } from './served-by.js';

const contracts = readFileSync(new URL('../../../contracts/descriptors.binpb', import.meta.url));
const protos = new URL('../../../../proto/rondo/', import.meta.url);
const packageOf = (text: string) => /^package (.+);$/m.exec(text)?.[1];

it.each([
  ['rondo.registry.v1.RegistryService', ['registry']],
  ['rondo.xds.v1.XdsStatusService', ['registry']],
  ['ledger.v1.LedgerService', ['ledger']],
  ['order_history.v2beta1.HistoryService', ['order-history']],
  ['plain.Service', ['plain']],
  ['grpc.orders.v1.OrderService', ['grpc.orders']],
  ['xds.orders.v1.OrderService', ['xds.orders']],
  ['google.longrunning.OperationsOfMine', ['google.longrunning']],
  ['NoPackage', ['']],
])('%s is served by the process that is named like its package', (service, names) => {
  expect(servedByOf(contracts)(service)).toEqual(names);
});

it('services of Rondo and gRPC may be served by every process, except those of the registry and the gateway', () => {
  const own = readdirSync(protos, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^(?!registry|xds|gateway|conformance).*\.proto$/.test(file))
    .map((file) => readFileSync(new URL(file, protos), 'utf8'))
    .flatMap((text) => [...text.matchAll(/^service (\w+)/gm)].map(([, name]) => `${packageOf(text)}.${name}`));
  expect(own).toContain('rondo.logs.v1.LogService');
  for (const service of ['grpc.health.v1.Health', 'google.longrunning.Operations', ...own])
    expect([service, servedByOf(contracts)(service)]).toEqual([service, undefined]);
});

it('bytes that are no descriptor set declare nothing', () => {
  expect(servedByOf(Buffer.from('no descriptor set'))('sales.v1.OrderService')).toEqual(['sales']);
});
