import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode, type ServiceProcess, startRegistry } from '@rondo/harness';

let registry: ServiceProcess;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry?.stop());

it('what rondo top and a start ask again and again leaves no line in the log of the registry', async () => {
  const top = [`${root}/scripts/rondo.mjs`, 'top', '--once', '--interval', '100ms', '--registry', registry.address];
  // Standard error may tell of a build that another test has begun.
  expect(await runNode(top)).toMatchObject({ code: 0 });
  const { stdout } = await registry.stop();
  expect(stdout).toContain('"msg":"listening on ');
  expect(stdout).not.toContain('"msg":"call"');
});
