import { expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import type { Database } from '@rondo/database';
import { createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { createTestChannel } from '@rondo/rpc/testing';
import { createStoreDatabase, type StoreDatabase } from '../src/sql/store-database.js';

type Read = (database: StoreDatabase) => Promise<unknown>;

const lists: Read = ({ reads }) => reads.query('SELECT 1');
const snapshots: Read = ({ inSnapshot }) => inSnapshot(async () => []);

it.each([
  ['a list', lists],
  ['a snapshot', snapshots],
])('long reads have the caller for whom they are, by whom they take turns: %s', async (_name, read) => {
  const options: unknown[] = [];
  const note = async (...args: readonly unknown[]) => {
    options.push(args.at(-1));
    return [];
  };
  const outage = { run: (work: () => Promise<unknown>) => work() };
  const database = createStoreDatabase({ query: note, transaction: note, outage } as unknown as Database);
  const peers: string[] = [];
  const adder = implement(AdderServiceDefinition, {
    async add({ a }, { peer }) {
      peers.push(peer);
      await read(database);
      return { result: a };
    },
  });
  const channel = createTestChannel({ services: [adder] });
  await createClient(AdderServiceDefinition, { channel }).add({ a: 1n });
  channel.close();
  expect(peers).toEqual([expect.stringMatching(/./)]);
  expect(options).toEqual([expect.objectContaining({ caller: peers[0] })]);
});
