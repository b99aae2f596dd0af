import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, root, runNode, start } from '@rondo/harness';
import {
  compile,
  examplesIn,
  installInEmptyProject,
  modulesOf,
  type Tarballs,
  tarballsIn,
} from './src/packages/project.js';

let folder: string;
let packed: Ended;
let tarballs: Tarballs;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-packages-'));
  const out = join(folder, 'tarballs');
  packed = await runNode([join(root, 'scripts/rondo.mjs'), 'lab', 'pack', '--out', out, '--check']);
  tarballs = tarballsIn(out);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COMPILED = { code: 0, stdout: '', stderr: '' };

it('have no fault', () => {
  expect(packed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^No package has a fault\.$/m) });
});

// existing-apps.long.test.ts has npm and yarn, too.
it('are installed by pnpm, all of them, without what they do not name, run a server and a client, and have types', async () => {
  const names = Object.keys(tarballs);
  const project = join(folder, 'project');
  await installInEmptyProject(project, { manager: 'pnpm', names, tarballs });
  copyFileSync(join(root, 'lab/e2e/src/packages/alone.mts'), join(project, 'alone.mts'));
  expect(await compile(project, 'alone.mts', 'Bundler')).toEqual(COMPILED);
  expect(await runNode([join(project, 'out/alone.mjs')])).toEqual({ code: 0, stdout: '2 + 3 = 5\n', stderr: '' });
  // The console's are for pages, whose bundler brings Preact.
  const modules = modulesOf(
    project,
    names.filter((name) => name !== '@rondo/console'),
  );
  const imports = modules.map((name, index) => `import * as m${index} from '${name}';`);
  const used = modules.map((_, index) => `m${index}`);
  writeFileSync(join(project, 'all.mts'), `${imports.join('\n')}\nprocess.stdout.write(String([${used}].length));\n`);
  const examples = examplesIn(project, names);
  expect(examples.length).toBeGreaterThan(names.length - 3);
  expect(await compile(project, ['all.mts', ...examples], 'NodeNext')).toEqual(COMPILED);
  const { code, stdout, stderr } = await runNode([join(project, 'out/all.mjs')]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: String(modules.length), stderr: '' });
  expect(modules.length).toBeGreaterThan(names.length);
});

it('have the names of 0.2, for one version', async () => {
  const project = join(folder, 'project');
  const old = {
    consul: 'consulRegistry',
    eureka: 'eurekaRegistry',
    zookeeper: 'zookeeperRegistry',
    kubernetes: 'kubernetesResolver',
    nats: 'natsBroker',
    sync: 'createSync',
    access: 'createRules',
    dynamic: 'createDynamicClient',
    'cache/redis': 'createRedisStore',
  };
  const imports = Object.entries(old).map(([name, value]) => `import { ${value} } from '@rondo/${name}';`);
  const types = `process.stdout.write([${Object.values(old)}].map((one) => typeof one).join());`;
  writeFileSync(join(project, 'old.mts'), `${imports.join('\n')}\n${types}\n`);
  expect(await compile(project, 'old.mts', 'NodeNext')).toEqual(COMPILED);
  const stdout = Object.keys(old)
    .map(() => 'function')
    .join();
  expect(await runNode([join(project, 'out/old.mjs')])).toEqual({ code: 0, stdout, stderr: '' });
});

it('come with bills of what each brings in production', () => {
  const bill = JSON.parse(
    readFileSync(
      join(folder, 'tarballs', basename(tarballs['@rondo/resources'] ?? '').replace('tgz', 'cdx.json')),
      'utf8',
    ),
  );
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { group: '@rondo', name: 'resources' } },
  });
  const names = bill.components.map(({ group, name }: { group?: string; name: string }) =>
    group ? `${group}/${name}` : name,
  );
  expect(names).toEqual(
    expect.arrayContaining(['@rondo/database', '@rondo/rpc', 'pg', 'pg-protocol', '@grpc/grpc-js']),
  );
  expect(names).not.toContain('@rondo/resources');
  expect(names).not.toContain('publint');
});

describe('@rondo/contracts', () => {
  const contract = (method: string) => `syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "rondo/options/v1/options.proto";
message BuyRequest { string item = 1 [(buf.validate.field).string.min_len = 1]; }
message BuyResponse {}
service ShopService {
  rpc Buy(BuyRequest) returns (BuyResponse) {
    option (google.api.http) = { post: "/v1/buy" body: "*" };
    option (rondo.options.v1.method) = { ${method} };
  }
}`;

  it('has the contracts that those of an app import', async () => {
    const app = join(folder, 'app');
    const installed = join(app, 'node_modules/@rondo/contracts');
    mkdirSync(installed, { recursive: true });
    mkdirSync(join(app, 'proto/shop/v1'), { recursive: true });
    await start('tar', ['-xzf', tarballs['@rondo/contracts'] ?? '', '-C', installed, '--strip-components=1']).ended;
    const modules = [{ path: 'proto' }, { path: 'node_modules/@rondo/contracts/proto' }];
    writeFileSync(join(app, 'buf.yaml'), JSON.stringify({ version: 'v2', modules }));
    const build = async (method: string) => {
      writeFileSync(join(app, 'proto/shop/v1/shop.proto'), contract(method));
      return await start(join(root, 'node_modules/.bin/buf'), ['build'], { cwd: app }).ended;
    };
    expect(await build('timeout: { seconds: 1 }')).toMatchObject({ code: 0, stderr: '' });
    expect(await build('time: 1')).toMatchObject({ code: 100, stderr: expect.stringContaining('MethodPolicy') });
  });

  it('has no contract of a service of its own', async () => {
    const { stdout } = await start('tar', ['-tzf', tarballs['@rondo/contracts'] ?? '']).ended;
    const folders = new Set([...stdout.matchAll(/^package\/(?:dist|proto)\/([^/]+)/gm)].map(([, name]) => name));
    expect([...folders].sort()).toEqual(['buf', 'etcd-v3', 'google', 'grpc', 'health', 'rondo', 'validate', 'xds']);
  });
});
