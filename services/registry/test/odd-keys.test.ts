/** Metadata and fingerprints with unusual keys, such as the name of an object's prototype. */

import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import { keysUnder } from '../src/adapters/etcd-store/keys.js';
import { decodeRecord, encode } from '../src/adapters/etcd-store/record.js';
import { SALES, sales, start, stopAll } from './started-registry.js';
import { registration } from './store/fixture.js';

afterEach(stopAll);

/** Parsed from JSON: in a literal the first key would set the prototype. */
const ODD: Record<string, string> = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","team":"blue"}');
const entriesOf = (map: Record<string, string> | undefined) => Object.entries(map ?? {});

it('unusual keys are registered, listed and updated', async () => {
  const { registry } = start();
  const { leaseId } = await registry.register({ instance: sales({ metadata: ODD }) });
  const listed = async () => (await registry.listInstances({ service: SALES })).instances[0]?.metadata;
  expect(entriesOf(await listed())).toEqual(entriesOf(ODD));
  const other: typeof ODD = JSON.parse('{"__proto__":"d"}');
  await registry.update({ leaseId, instanceId: 'sales-1', metadata: other, updateMask: ['metadata'] });
  expect(entriesOf(await listed())).toEqual([['__proto__', 'd']]);
});

it('unusual keys are stored in etcd', () => {
  const record = {
    registration: registration({ metadata: ODD }),
    registerTimeMs: 1,
    ttlMs: 1,
    sequence: 1n,
    leaseId: 'lease',
    etcdLease: 1n,
  };
  const kept = decodeRecord(encode(record)).registration;
  expect(entriesOf(kept.metadata)).toEqual(entriesOf(ODD));
  expect(isDeepStrictEqual(kept.metadata, JSON.parse('{"team":"blue"}'))).toBe(false);
});

it('an id with an identity behind it is a key of etcd, and read from it', () => {
  const keys = keysUnder('/rondo');
  for (const instanceId of ['sales-1', 'sales-1@projects', 'blue@person/jo']) {
    expect(keys.parse(keys.of('instances', instanceId))).toEqual({ folder: 'instances', instanceId });
  }
});
