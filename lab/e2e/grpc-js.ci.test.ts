import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientOptions, credentials, makeClientConstructor, type StatusObject } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { overRondo } from '@rondo/grpc-js';
import { root, runNode, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { type Channel, createRegistryChannel } from '@rondo/rpc/client';
import { readGuide } from '../../e2e/src/docs.js';
import { runPatiently } from './src/run-patiently.js';

const NAMES = ['one', 'two', 'three'];

/** The guide's server, three times, and the guide's client: each as its reader saves it. */
describe('docs/guides/coming-from-grpc-js.md', () => {
  const folder = 'e2e/.guide-grpc-js';
  const running: ServiceProcess[] = [];
  let registry: string;
  let channel: Channel | undefined;

  beforeAll(async () => {
    readGuide('coming-from-grpc-js.md').write(join(root, folder), 'grpc-js-server.mjs', 'grpc-js-client.mjs');
    const directory = await startRegistry();
    running.push(directory);
    registry = directory.address;
    const main = `${folder}/grpc-js-server.mjs`;
    running.push(
      ...(await Promise.all(NAMES.map((instanceId) => startService('adder', { main, instanceId, registry })))),
    );
    channel = createRegistryChannel({ registry: [registry] });
  });
  afterAll(async () => {
    channel?.close();
    await Promise.all(running.map((process) => process.stop()));
    rmSync(join(root, folder), { recursive: true });
  });

  it('has a client that runs unchanged', async () => {
    const client = join(root, folder, 'grpc-js-client.mjs');
    const { code, stdout, stderr } = await runPatiently([client], { env: { RONDO_REGISTRY: registry } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/^2 \+ \d = \d$/gm)).toEqual([3, 4, 5, 6, 7, 8].map((sum) => `2 + ${sum - 2} = ${sum}`));
    expect(stdout.match(/^served by (?:one|two|three)$/gm)).toHaveLength(6);
  });

  it('has servers that tell their contract by reflection', async () => {
    const args = ['call', 'AdderService/Add', '{"a": 2, "b": 3}', '--registry', registry];
    const { code, stdout } = await runNode([join(root, 'scripts/rondo.mjs'), ...args]);
    expect({ code, reply: JSON.parse(stdout) }).toEqual({ code: 0, reply: { result: '5' } });
  });

  it('has clients that spread their calls, and lose none when an instance dies', async () => {
    const add = adderOver(overRondo({ ...(channel && { channel }), contract: AdderServiceDefinition }));
    const served = new Set<string>();
    while (served.size < NAMES.length) served.add((await add(2, 3)).servedBy);
    expect([...served].sort()).toEqual([...NAMES].sort());
    const [, killed] = running;
    const results: Promise<{ result: number; servedBy: string }>[] = [];
    const end = killed?.stop('SIGKILL');
    for (let b = 0; b < 300; b += 1) {
      results.push(add(1, b));
      if (b % 10 === 0) await results.at(-1);
    }
    await end;
    const answers = await Promise.all(results);
    expect(answers.map(({ result }) => result)).toEqual(results.map((_, b) => 1 + b));
    expect(new Set(answers.slice(-30).map(({ servedBy }) => servedBy))).toEqual(new Set(['two', 'three']));
  });
});

/** Adds by a client of grpc-js, with the options given. */
function adderOver(options: ClientOptions) {
  const includeDirs = ['proto', 'node_modules/google-proto-files'].map((folder) => join(root, folder));
  const loaded = loadSync('rondo/conformance/v1/adder.proto', { includeDirs, longs: Number, defaults: true });
  const definition = loaded[AdderServiceDefinition.fullName];
  if (definition === undefined || 'format' in definition) throw new Error('the service was not loaded');
  const Adder = makeClientConstructor(definition, 'AdderService');
  const client = new Adder('rondo', credentials.createInsecure(), options);
  return async (a: number, b: number) => {
    let result = Number.NaN;
    let failure: unknown;
    const call = client['add']?.({ a, b }, (error: unknown, reply?: { result: number }) => {
      failure = error;
      result = reply?.result ?? Number.NaN;
    });
    const [end]: StatusObject[] = await once(call, 'status');
    if (failure) throw failure;
    return { result, servedBy: String(end?.metadata.get('rondo-served-by')) };
  };
}
