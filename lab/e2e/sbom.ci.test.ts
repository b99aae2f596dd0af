/** What of the packages gets into images is known. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { writeImageSbom } from '../../packages/rondo/src/build/sbom.js';

it("a bill of materials has the packages of an image's files, with versions and licences", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-sbom-'));
  const file = join(folder, 'sbom.cdx.json');
  const inputs = [
    'packages/database/dist/pool.js',
    'packages/database/node_modules/pg/lib/index.js',
    'packages/database/node_modules/pg/lib/client.js',
    'packages/database/node_modules/pg/esm/index.mjs',
  ];
  await writeImageSbom(file, 'rondo-sales', inputs);
  const bill = JSON.parse(readFileSync(file, 'utf8'));
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { name: 'rondo-sales' } },
  });
  const licensed = (id: string) => [{ license: { id } }];
  expect(bill.components).toEqual([
    expect.objectContaining({ name: 'database', group: '@rondo', licenses: licensed('Apache-2.0') }),
    expect.objectContaining({ name: 'pg', purl: expect.stringMatching(/^pkg:npm\/pg@\d/), licenses: licensed('MIT') }),
  ]);
  rmSync(folder, { recursive: true });
});
