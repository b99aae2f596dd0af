/** Public suites against services that are made for them, in a copy of the repository. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRegistry, startService } from '@rondo/harness';
import { type Clone, cloneRepository } from '../e2e/src/repository.js';
import { buildTools, makeServices, type Tools } from './build.js';
import { callGo, callRondo, interopCases, type Pair } from './interop.js';
import { runSuite } from './suite.js';

const noGo = spawnSync('go', ['version']).error !== undefined;
if (noGo) process.stdout.write('SKIPPED: the public suites: Go, which builds them, is not installed here\n');

let clone: Clone;
let tools: Tools;

(noGo ? describe.skip : describe)('public suites', () => {
  beforeAll(async () => {
    [tools, clone] = await Promise.all([buildTools(), cloneRepository()]);
    await makeServices(clone, tools);
  });

  afterAll(() => clone?.remove());

  describe('connectconformance: exactly the listed cases fail, for the listed reasons', () => {
    it.each(['server', 'client'] as const)('the %s', async (side) => {
      const dist = join(clone.root, 'services/conformance/dist');
      const { connectconformance } = tools;
      expect(await runSuite({ connectconformance, side, implementation: 'rondo', dist })).toEqual([]);
    });
  });

  it('connectconformance: exactly the listed cases fail at the gateway, for the listed reasons', async () => {
    const registry = await startRegistry({ root: clone.root, warmingMs: 0 });
    const service = await startService('conformance', { root: clone.root, registry: registry.address });
    try {
      const surprises = await runSuite({
        connectconformance: tools.connectconformance,
        side: 'server',
        implementation: 'gateway',
        dist: join(clone.root, 'services/conformance/dist'),
        env: { RONDO_REGISTRY: registry.address },
      });
      expect(surprises).toEqual([]);
    } finally {
      await Promise.all([service.stop(), registry.stop()]);
    }
  });

  describe.each([
    ["grpc-go's client calls our server", callRondo],
    ["our client calls grpc-go's server", callGo],
  ])("grpc's interop cases: %s", (_which, start) => {
    let pair: Pair;

    beforeAll(async () => {
      pair = await start(clone.root, tools);
    });
    afterAll(() => pair?.stop());

    it.each(interopCases)('%s', async (name) => expect(await pair.run(name)).toBeUndefined());
  });
});
