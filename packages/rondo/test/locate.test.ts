import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { refuseForeign, registryAddresses } from '../src/registry/locate.js';
import { startFakeRegistry } from './fake-registry.js';
import { instance } from './instance.js';
import { rondo } from './recording-context.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let repository: string;
const { signal } = new AbortController();
const here = () => ({ environment: {}, dataDirectory: repository, repository, signal });

beforeEach(async () => {
  registry = await startFakeRegistry();
  repository = mkdtempSync(join(tmpdir(), 'rondo-shop-'));
  writeFileSync(join(repository, 'package.json'), '{"name": "shop"}');
});
afterEach(async () => {
  await registry.stop();
  rmSync(repository, { recursive: true });
});

it("a command calls the registry of its workspace's system, whatever port that has", async () => {
  registry.put(instance('greeter-1', ['greeter.v1.GreeterService']));
  const launcher = { pid: process.pid, socket: '/nowhere', registry: registry.address };
  writeFileSync(join(repository, 'launcher.json'), JSON.stringify(launcher));
  const { exitCode, stdout } = await rondo(['ps'], { repository, dataDirectory: repository });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('greeter-1') });
  const named = { ...here(), environment: { RONDO_REGISTRY: '127.0.0.1:1' } };
  expect(await registryAddresses(named)).toEqual(['127.0.0.1:1']);
  expect(await registryAddresses({ ...named, registry: '127.0.0.1:2' })).toEqual(['127.0.0.1:2']);
});

it('and refuses the registry of another system; an image calls any', async () => {
  registry.setSystem('/srv/other');
  await expect(refuseForeign(registry.address, here())).rejects.toThrow(
    `none runs here, and ${registry.address} is the registry of another system, /srv/other; start this one (npm start -- --port-base 51050), or name the other: --registry ${registry.address}`,
  );
  await refuseForeign(registry.address, { ...here(), repository: '/nowhere' });
});

it.each([
  ['the folder of the workspace', () => repository],
  ['the name of the workspace, as in containers', () => 'shop'],
  ['nothing', () => ''],
])('but not one that names %s', async (_, system) => {
  registry.setSystem(system());
  await refuseForeign(registry.address, here());
});

it('leaves it to the command to say that none answers', async () => {
  await refuseForeign('127.0.0.1:1', here());
});
