/**
 * Certificates, and then their authority, are replaced while real processes serve 300 calls a second and 200 watches. No call
 * fails, no stream breaks, and in the end the first authority is worth nothing.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type FolderOptions, renewAll, replaceAuthority, retireAuthorities } from '@rondo/certificates';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, root, runNode, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { type MutualTls, openMutualTls, readTlsSettings } from '@rondo/rpc/internal';

const NAMES = ['registry', 'calculator', 'caller'];
const WATCHES = 200;
/** 3 calls each 10 ms. */
const [CALLS_AT_ONCE, EACH_MS, CONNECT_EACH_MS] = [3, 10, 250];
/** A busy machine may take longer than the contract allows: a call that is lost doesn't end at all. */
const TIMEOUT_MS = 60_000;
/** Add by a contract that lets no client repeat a call. */
const { add } = CalculatorServiceDefinition.methods;
const unrepeated = { ...CalculatorServiceDefinition, methods: { add: { ...add, options: {} } } };
const TAKEN = /a new certificate is in use/g;

let certs: FolderOptions;
const processes: ServiceProcess[] = [];
const closers: (() => unknown)[] = [];

const variables = (name: string) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: join(certs.folder, name) });

function identityIn(folder: string): MutualTls {
  const descriptorSet = readFileSync(join(root, 'packages/contracts/descriptors.binpb'));
  const clocks = { clock: systemClock, wallClock: systemWallClock };
  const tls = openMutualTls(readTlsSettings({ RONDO_TLS: 'on', RONDO_TLS_DIR: folder }), {
    usage: 'client',
    descriptorSet,
    ...clocks,
  });
  if (tls === undefined) throw new Error('TLS is off');
  return tls;
}

function channelTo(addresses: readonly string[], mutualTls: MutualTls) {
  const resolver = staticResolver(addresses);
  return createChannel({ resolver, mutualTls, clock: systemClock, random: systemRandom });
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-rotation-'));
  certs = { folder, trustDomain: 'rondo.test', now: new Date() };
  await renewAll(NAMES, certs);
  const registry = await startRegistry({ env: { ...variables('registry'), RONDO_REGISTRY_MAX_WATCHES: '500' } });
  processes.push(registry);
  for (const instanceId of ['calculator-1', 'calculator-2']) {
    processes.push(await startCalculator(instanceId));
  }
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
  for (const one of processes.reverse()) await one.stop();
  rmSync(certs.folder, { recursive: true, force: true });
});

const addressOf = (index: number) => processes[index]?.address ?? '';
const startCalculator = (instanceId: string) =>
  startService('calculator', { instanceId, registry: addressOf(0), env: variables('calculator') });

/** Calls at a steady rate on standing connections, and now and then on a new one. */
function startCalls(tls: MutualTls) {
  const addresses = [addressOf(1), addressOf(2)];
  const done = { calls: 0, connections: 0 };
  const failures: unknown[] = [];
  const standing = channelTo(addresses, tls);
  closers.push(() => standing.close());
  const open = new Set<Promise<unknown>>();
  const call = (channel: typeof standing, what: keyof typeof done) => {
    const running = createClient(unrepeated, { channel })
      .add({ a: 2n, b: 3n }, { timeoutMs: TIMEOUT_MS })
      .then(
        () => {
          done[what] += 1;
        },
        (error: unknown) => void failures.push(error),
      );
    open.add(running);
    return running.finally(() => open.delete(running));
  };
  const timers = [
    setInterval(() => {
      for (let count = 0; count < CALLS_AT_ONCE; count += 1) void call(standing, 'calls');
    }, EACH_MS),
    setInterval(() => {
      const fresh = channelTo(addresses, tls);
      void call(fresh, 'connections').finally(() => fresh.close());
    }, CONNECT_EACH_MS),
  ];
  closers.push(() => timers.forEach(clearInterval));
  return {
    done,
    failures,
    async stop() {
      timers.forEach(clearInterval);
      await Promise.all(open);
    },
  };
}

/** Watches of the registry, each with the instances that it has seen last. */
function startWatches(tls: MutualTls) {
  const channel = channelTo([addressOf(0)], tls);
  const ended = new AbortController();
  const client = createClient(RegistryServiceDefinition, { channel });
  const broken: unknown[] = [];
  const events: number[] = Array.from({ length: WATCHES }, () => 0);
  const watch = async (index: number) => {
    try {
      for await (const _ of client.watch({}, { signal: ended.signal })) events[index] = (events[index] ?? 0) + 1;
      broken.push('it has ended');
    } catch (error) {
      if (!ended.signal.aborted) broken.push(error);
    }
  };
  const watches = events.map((_, index) => watch(index));
  closers.push(async () => {
    ended.abort();
    await Promise.all(watches);
    channel.close();
  });
  return { broken, events };
}

it('no call fails and no stream breaks while certificates and their authority are replaced', async () => {
  const tls = identityIn(join(certs.folder, 'caller'));
  tls.identity.watch();
  closers.push(() => tls.identity.close());
  const calls = startCalls(tls);
  const { broken, events } = startWatches(tls);
  await eventually(() => expect(events.every((count) => count > 0)).toBe(true));
  const old = mkdtempSync(join(tmpdir(), 'rondo-old-'));
  closers.push(() => rmSync(old, { recursive: true }));
  cpSync(join(certs.folder, 'caller'), old, { recursive: true });

  const takenBy = (one: ServiceProcess) => one.output().stdout.match(TAKEN)?.length ?? 0;
  /** Changes files, and waits until every process uses what is new. */
  const step = async (change: () => unknown) => {
    const before = processes.map(takenBy);
    const { current } = tls.identity;
    await change();
    await eventually(() => {
      for (const [index, one] of processes.entries()) expect(takenBy(one)).toBeGreaterThan(before[index] ?? 0);
      expect(tls.identity.current).not.toBe(current);
    });
  };
  await step(() => renewAll(NAMES, { ...certs, always: true }));
  await step(() => replaceAuthority(certs));
  await step(() => renewAll(NAMES, { ...certs, always: true }));
  await step(() => retireAuthorities(certs));

  // The streams still tell what happens.
  const before = [...events];
  processes.push(await startCalculator('calculator-3'));
  await eventually(() => expect(events.every((count, index) => count > (before[index] ?? 0))).toBe(true));
  await calls.stop();
  process.stdout.write(`${calls.done.calls} calls, ${calls.done.connections} new connections, ${WATCHES} watches\n`);
  expect({ failures: calls.failures, broken }).toEqual({ failures: [], broken: [] });
  // How many there are depends on the machine.
  expect(calls.done.calls).toBeGreaterThan(WATCHES);
  expect(calls.done.connections).toBeGreaterThan(4);

  const listed = await runNode(['scripts/rondo.mjs', 'ps', '--check', '--json', '--registry', addressOf(0)], {
    env: variables('caller'),
  });
  const { instances } = JSON.parse(listed.stdout);
  const validTo = tls.identity.current.validTo.toISOString();
  expect(instances.map(({ check }: { check: object }) => check)).toEqual(
    Array.from({ length: 3 }, () => ({ state: 'ok', reason: '', certificateValidTo: validTo })),
  );

  const stranger = channelTo([addressOf(1)], identityIn(old));
  const refused = createClient(CalculatorServiceDefinition, { channel: stranger }).add({ a: 2n, b: 3n });
  await expect(refused.finally(() => stranger.close())).rejects.toThrow(
    /no authority that this process trusts|certificate/,
  );
});
