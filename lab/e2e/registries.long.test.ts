/** Registries of other kinds, real ones: what each adapter must do, and calls that go on through their outages. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { registryConformance } from '@rondo/registries/testing';
import { type ForeignRegistry, foreignKinds } from './src/foreign-registry.js';

let registry: ForeignRegistry | undefined;

afterEach(async () => {
  await registry?.stop();
  registry = undefined;
});

for (const { name, missing, start } of foreignKinds) {
  (missing === undefined ? describe : describe.skip)(`${name} ${missing ?? ''}`, () => {
    it.each(registryConformance)('$name', async ({ run }) => {
      registry = await start();
      await expect(run(registry)).resolves.toBeUndefined();
    });
  });
}
