import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import { startClient, startSystem } from './system.mjs';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it('has an unmodified client of grpc-js follow the registry, without a call that fails beyond its retries', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-xds-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const system = await startSystem(folder, { warmingMs: 2_000, isPlain: true });
  closers.push(() => system.stop());
  const { file, text } = system.bootstrap;
  writeFileSync(file, text);
  const client = startClient({ language: 'node', file, rate: 50 });
  closers.push(() => client.process.stop('SIGKILL'));
  /** Waits until the client calls these servers and no other. Returns the failures until then. */
  const calls = async (...numbers: readonly number[]) => {
    const failures = new Set<string>();
    await eventually(async () => {
      client.reset();
      await eventually(() => expect(client.counts.size).toBeGreaterThan(0));
      for (const answer of client.counts.keys()) if (!/^\d+$/.test(answer)) failures.add(answer);
      expect([...client.counts.keys()].sort()).toEqual(numbers.map(String));
    });
    return [...failures];
  };
  // Its first calls may fail: the registry warms up, and a slow client gives up meanwhile.
  await calls(1, 2, 3);
  await system.servers.get(1)?.stop();
  expect(await calls(2, 3)).toEqual([]);
  await system.add(4);
  expect(await calls(2, 3, 4)).toEqual([]);
  await system.servers.get(2)?.stop('SIGKILL');
  // A retry of this client may pick the killed server again, as often as it may retry.
  expect((await calls(3, 4)).filter((failure) => !failure.startsWith('14 '))).toEqual([]);
  await system.stopRegistry();
  expect(await calls(3, 4)).toEqual([]);
  await system.startRegistry();
  await system.add(5);
  expect(await calls(3, 4, 5)).toEqual([]);
});
