/** What of the packages gets into images is known, and what isn't allowed is found. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { writeSbom } from '../../packages/rondo/src/build/sbom.js';
import { judgeAdvisories, judgeLicences } from '../audit.mjs';

describe('the audit of licences', () => {
  const packages = {
    MIT: [{ name: 'one' }, { name: 'two' }],
    '(GPL-3.0-only OR Apache-2.0)': [{ name: 'either' }],
    'MIT AND GPL-3.0-only': [{ name: 'both' }],
    UNKNOWN: [{ name: 'unknown' }],
    'CC-BY-4.0': [{ name: 'data' }],
  };

  it('refuses what is not allowed, and exceptions that nothing needs', () => {
    const exceptions = [
      { package: 'data', licence: 'CC-BY-4.0' },
      { package: 'two', licence: 'GPL-3.0-only' },
    ];
    expect(judgeLicences(packages, exceptions)).toEqual({
      checked: 6,
      faults: [
        'both is licensed by MIT AND GPL-3.0-only, which is not allowed',
        'unknown is licensed by UNKNOWN, which is not allowed',
        expect.stringContaining("the exception for two isn't needed"),
      ],
    });
  });
});

it('the audit of advisories refuses severe ones without an exception', () => {
  const advisory = (id: string, severity: string) => ({
    github_advisory_id: id,
    module_name: 'pg',
    severity,
    title: 'Bad',
  });
  const found = [advisory('GHSA-1', 'high'), advisory('GHSA-2', 'low'), advisory('GHSA-3', 'critical')];
  expect(judgeAdvisories(found, [{ advisory: 'GHSA-3' }, { advisory: 'GHSA-4' }]).faults).toEqual([
    'pg has GHSA-1 (high): Bad',
    expect.stringContaining("the exception for GHSA-4 isn't needed"),
  ]);
});

it("a bill of materials has the packages of an image's files, with versions and licences", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-sbom-'));
  const file = join(folder, 'sbom.cdx.json');
  const inputs = [
    'packages/database/dist/pool.js',
    'packages/database/node_modules/pg/lib/index.js',
    'packages/database/node_modules/pg/lib/client.js',
    'packages/database/node_modules/pg/esm/index.mjs',
  ];
  await writeSbom(file, { name: 'rondo-sales', inputs });
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
