import { afterEach, expect, it } from '@jest/globals';
import { listing, startFakeLauncher } from './fake-launcher.js';
import { rondo } from './recording-context.js';

let launcher: Awaited<ReturnType<typeof startFakeLauncher>>;

afterEach(() => launcher.stop());

/** `rondo console` over a system whose gateway is listed as given. */
async function printed(given: { readonly console?: string }) {
  launcher = await startFakeLauncher(() => [listing([{ name: 'gateway-1', service: 'gateway', ...given }])]);
  return await rondo(['console', '--print'], { dataDirectory: launcher.data });
}

it('prints the address of the console', async () => {
  const stdout = 'http://127.0.0.1:8080/console\n';
  expect(await printed({ console: '127.0.0.1:8080' })).toMatchObject({ exitCode: 0, stdout });
});

it('fails where none is served', async () => {
  expect(await printed({})).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('serves the console') });
});
