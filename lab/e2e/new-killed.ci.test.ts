import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';
import { toolModule } from './src/tool-module.js';

const GREETER = `syntax = "proto3";
package helloworld;
service Greeter { rpc SayHello(Hello) returns (Hello); }
message Hello { string name = 1; }
`;
const FILES = {
  'package.json': '{ "devDependencies": { "@rondo/tool": "1.2.3" } }\n',
  'packages/contracts/package.json': '{ "name": "@shop/contracts" }\n',
  'tsconfig.build.json': '{ "references": [\n    { "path": "services/sales" }\n  ] }\n',
  'buf.yaml': 'version: v2\nmodules:\n  - path: proto\nlint:\n  use: [STANDARD]\n',
  'docker-compose.yml':
    'x-service: &service {}\nx-environment: &environment {}\nservices:\n  sales:\n    image: shop-sales\n    build: { args: { SERVICE: sales } }\n',
  'infra/observe/prometheus.yml': 'scrape_configs:\n  - dns_sd_configs:\n      - names:\n          - sales\n',
  'proto/sales/v1/sales.proto': 'syntax = "proto3";\npackage sales.v1;\n',
  'given/greeter.proto': GREETER,
  'services/sales/package.json': '{ "rondo": { "port": 50061, "contracts": ["sales/v1/sales.proto"] } }\n',
};

let module: string;
let app: string;
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: app, encoding: 'utf8' });

beforeAll(async () => {
  module = await toolModule('scaffold/create-service.ts');
  app = mkdtempSync(join(tmpdir(), 'rondo killed '));
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(app, file)), { recursive: true });
    writeFileSync(join(app, file), text);
  }
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message=x');
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

/** Every file of the app but git's own, with its content. */
const state = () =>
  readdirSync(app, { recursive: true, encoding: 'utf8' })
    .filter((file) => !/^\.git(?:\/|$)/.test(file) && statSync(join(app, file)).isFile())
    .sort()
    .map((file) => [file, readFileSync(join(app, file), 'utf8')]);

/** Makes a service in a process that is killed at one of its writes, or else as it begins to install. */
const makeAndKill = (write: number) =>
  runNode([
    '--input-type=module',
    '--eval',
    `import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const app = ${JSON.stringify(app)};
    const die = () => process.kill(process.pid, 'SIGKILL');
    let writes = 0;
    const { writeFileSync } = fs;
    fs.writeFileSync = (file, text) => {
      if (!String(file).startsWith(app)) return writeFileSync(file, text);
      if (++writes === ${write}) { writeFileSync(file, text.slice(0, 5)); die(); }
      writeFileSync(file, text);
    };
    syncBuiltinESMExports();
    const { createService } = await import(${JSON.stringify(module)});
    const step = async (name, work) => {
      if (name !== 'install') return work();
      console.log(writes);
      die();
    };
    const source = { kind: 'file', path: app + '/given/greeter.proto' };
    const on = { root: app, tool: ${JSON.stringify(join(root, 'packages/rondo'))}, signal: new AbortController().signal };
    await createService({ ...on, progress: { step }, isCommitted: true, written: new Map(), name: 'greeter', source, withDatabase: false });`,
  ]);

it('git takes back a service whose making was killed, at each of its writes', async () => {
  const before = state();
  const whole = await makeAndKill(0);
  const writes = Number(whole.stdout);
  expect({ ...whole, writes }).toMatchObject({ code: null, writes: expect.any(Number), stderr: '' });
  expect(writes).toBeGreaterThan(9);
  for (let write = 0; write <= writes; write++) {
    if (write > 0) await makeAndKill(write);
    expect(git('status', '--porcelain')).not.toBe('');
    git('checkout', '--quiet', '.');
    git('clean', '-fdq', '.');
    expect(state()).toEqual(before);
  }
});
