/**
 * Certificates, and then their authority, are replaced while real processes serve 300 calls a second and 200 watches. No call
 * fails, no stream breaks, and in the end the first authority is worth nothing.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type FolderOptions, renewAll, replaceAuthority, retireAuthorities } from '@rondo/certificates';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually, type ServiceProcess, startRegistry, startService, startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { configuredMutualTls } from '@rondo/rpc/internal';
import { runPatiently } from './src/run-patiently.js';

const NAMES = ['registry', 'calculator', 'caller'];
const [RATE, WATCHES] = [300, 200];
const TAKEN = /a new certificate is in use/g;

let certs: FolderOptions;
const processes: ServiceProcess[] = [];

const variables = (name: string) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: join(certs.folder, name) });

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
  for (const one of processes.reverse()) await one.stop();
  rmSync(certs.folder, { recursive: true, force: true });
});

const addressOf = (index: number) => processes[index]?.address ?? '';
const startCalculator = (instanceId: string) =>
  startService('calculator', { instanceId, registry: addressOf(0), env: variables('calculator') });

/** What the load tells. */
interface Told {
  certificate: string;
  watched: { readonly events: readonly number[]; readonly broken: readonly string[] };
  take: { readonly calls: number; readonly connections: number; readonly failures: readonly string[] };
}

/** Calls and watches, in a process of its own. */
async function startLoad() {
  const worker = startWorker(new URL('./src/rotation-load.mjs', import.meta.url), { env: variables('caller') });
  const calculators = [addressOf(1), addressOf(2)];
  await worker.ask('begin', { registry: addressOf(0), calculators, rate: RATE, watches: WATCHES });
  return {
    // The worker is src/rotation-load.mjs.
    ask: async <K extends keyof Told>(what: K) => (await worker.ask(what)) as Told[K],
    end: () => worker.ask('end'),
    close: () => worker.close(),
  };
}

it('no call fails and no stream breaks while certificates and their authority are replaced', async () => {
  const load = await startLoad();
  const events = async () => (await load.ask('watched')).events;
  await eventually(async () => expect((await events()).every((count) => count > 0)).toBe(true));
  const old = mkdtempSync(join(tmpdir(), 'rondo-old-'));
  cpSync(join(certs.folder, 'caller'), old, { recursive: true });

  const takenBy = (one: ServiceProcess) => one.output().stdout.match(TAKEN)?.length ?? 0;
  /** Changes files, and waits until every process uses what is new. */
  const step = async (change: () => unknown) => {
    const before = processes.map(takenBy);
    const own = await load.ask('certificate');
    await change();
    await eventually(async () => {
      for (const [index, one] of processes.entries()) expect(takenBy(one)).toBeGreaterThan(before[index] ?? 0);
      expect(await load.ask('certificate')).not.toBe(own);
    });
  };
  await step(() => renewAll(NAMES, { ...certs, always: true }));
  await step(() => replaceAuthority(certs));
  await step(() => renewAll(NAMES, { ...certs, always: true }));
  await step(() => retireAuthorities(certs));

  // The streams still tell what happens.
  const before = await events();
  processes.push(await startCalculator('calculator-3'));
  await eventually(async () => expect((await events()).every((count, at) => count > (before[at] ?? 0))).toBe(true));
  await load.end();
  const { calls, connections, failures } = await load.ask('take');
  const { broken } = await load.ask('watched');
  await load.close();
  process.stdout.write(`${calls} calls, ${connections} new connections, ${WATCHES} watches\n`);
  expect({ failures, broken }).toEqual({ failures: [], broken: [] });
  // How many there are depends on the machine.
  expect(calls).toBeGreaterThan(WATCHES);
  expect(connections).toBeGreaterThan(4);

  const ps = ['packages/rondo/dist/main.mjs', 'ps', '--check', '--json', '--registry', addressOf(0)];
  const listed = await runPatiently(ps, { env: variables('caller') });
  const { instances } = JSON.parse(listed.stdout);
  const validTo = configuredMutualTls(variables('caller'))?.identity.current.validTo.toISOString();
  expect(instances.map(({ check }: { check: object }) => check)).toEqual(
    Array.from({ length: 3 }, () => ({ state: 'ok', reason: '', certificateValidTo: validTo })),
  );

  const resolver = staticResolver([addressOf(1)]);
  const stranger = createChannel({ resolver, mutualTls: configuredMutualTls({ RONDO_TLS: 'on', RONDO_TLS_DIR: old }) });
  const refused = createClient(CalculatorServiceDefinition, { channel: stranger }).add({ a: 2n, b: 3n });
  await expect(refused.finally(() => stranger.close())).rejects.toThrow(
    /no authority that this process trusts|certificate/,
  );
  rmSync(old, { recursive: true });
});
