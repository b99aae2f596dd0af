import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from '@jest/globals';
import { copySamples, observeFiles, samplesIn } from './samples.js';

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-samples-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};

it('are the services that are not published', () => {
  write('a/services/shop/package.json', '{"private": true, "rondo": {"contracts": ["shop/v1/shop.proto"]}}');
  write('a/services/registry/package.json', '{"rondo": {"contracts": ["rondo/registry/v1/registry.proto"]}}');
  write('a/services/removed/dist/main.js', '');
  expect(samplesIn(path.join(folder, 'a'))).toEqual({ services: ['shop'], contracts: ['shop'] });
});

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

it('become services of an app, whose contracts are its own', () => {
  write('b/tsconfig.build.json', '{\n  "references": [\n    { "path": "packages/contracts" }\n  ]\n}\n');
  write('b/buf.yaml', 'breaking:\n');
  write('b/package.json', '{\n  "scripts": {\n    "test": "node rondo test"\n  }\n}\n');
  copySamples({ folder: path.join(folder, 'b'), name: 'acme', version: '1.2.3', from: root });
  expect(read('b/services/calculator/src/calculator.ts')).toContain("from '@acme/contracts/calculator/v1/calculator'");
  expect(read('b/services/sales/src/offer-columns.ts')).toContain("from '@rondo/contracts/google/type/money'");
  expect(JSON.parse(read('b/services/calculator/package.json'))).toMatchObject({
    name: '@acme/service-calculator',
    dependencies: { '@acme/contracts': 'workspace:*', '@rondo/rpc': '1.2.3' },
  });
  expect(JSON.parse(read('b/services/calculator/tsconfig.json')).references).toEqual([
    { path: '../../packages/contracts' },
  ]);
  expect(JSON.parse(read('b/services/sales/page/tsconfig.json')).references).toEqual([
    { path: '../../../packages/contracts' },
  ]);
  expect(JSON.parse(read('b/tsconfig.build.json')).references).toContainEqual({ path: 'services/sales' });
  expect(JSON.parse(read('b/package.json')).scripts).toEqual({
    seed: 'node rondo build && node services/sales/dist/seed/main.js',
    test: 'node rondo test',
  });
  expect(read('b/docker-compose.yml')).toMatch(/^ {6}RONDO_REGISTRY_SYSTEM: acme$/m);
  expect(read('b/buf.yaml')).toMatch(/^ {2}ignore_only:\n[\s\S]*calculator\.proto\]\nbreaking:\n$/m);
});

it.each([
  [true, ['registry', 'gateway', 'calculator', 'calculator-replica', 'project-management', 'sales']],
  [false, ['registry', 'gateway']],
])('an app with samples: %j has what observes it', (withSamples, names) => {
  const files = observeFiles(root, withSamples);
  const found = (file: string, pattern: RegExp) =>
    [...(files[`infra/observe/${file}`] ?? '').matchAll(pattern)].map(([, name]) => name);
  expect(found('prometheus.yml', /^ +- (\w[\w-]*)$/gm)).toEqual(names);
  const mounted = found('compose.yml', /^ +- \.\/(\S+?):/gm);
  expect(mounted).toContain('alerts.yml');
  const isThere = (file = '') => Object.keys(files).some((one) => `${one}/`.startsWith(`infra/observe/${file}/`));
  expect(mounted.filter((file) => !isThere(file))).toEqual([]);
});
