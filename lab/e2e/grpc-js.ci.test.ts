import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, runNode, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { readGuide } from '../../e2e/src/docs.js';
import { runPatiently } from './src/run-patiently.js';

const NAMES = ['one', 'two', 'three'];

/** The guide's server, three times, and the guide's client: each as its reader saves it. */
describe('docs/guides/in-an-existing-app.md', () => {
  const folder = 'e2e/.guide-grpc-js';
  const running: ServiceProcess[] = [];
  let registry: string;

  beforeAll(async () => {
    readGuide('in-an-existing-app.md').write(join(root, folder), 'grpc-js-server.mjs', 'grpc-js-client.mjs');
    const directory = await startRegistry();
    running.push(directory);
    registry = directory.address;
    const main = `${folder}/grpc-js-server.mjs`;
    running.push(
      ...(await Promise.all(NAMES.map((instanceId) => startService('adder', { main, instanceId, registry })))),
    );
  });
  afterAll(async () => {
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
});
