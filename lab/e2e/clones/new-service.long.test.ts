import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import { type Clone, cloneRepository } from '../src/repository.js';

// The tests of this file depend on one another, as the commands of one session do.
describe('rondo new service and rondo remove service', () => {
  let clone: Clone;
  let elsewhere: string;
  beforeAll(async () => {
    clone = await cloneRepository();
    elsewhere = mkdtempSync(join(tmpdir(), 'rondo contracts ')); // a path with a space
  });
  afterAll(() => {
    clone.remove();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  const GREETER = `syntax = "proto3";
package helloworld;

import "helloworld/messages.proto";

service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply) {}
}
`;
  const MESSAGES = `syntax = "proto3";
package helloworld;

message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
`;
  /** Written in place of the starter, in another style. */
  const ERRAND = `syntax = "proto3";
package errand.v1;
service Errands { rpc Run(M) returns (M); }
message M {}
`;
  /** A stub that no service made here uses. A mark in it disappears if all stubs are generated again. */
  const UNCONCERNED = 'packages/contracts/src/rondo/conformance/v1/conformance.ts';
  const MARK = '// as it was\n';
  const HANDLERS = 'services/greeter/src/greeter.ts';

  const status = () => clone.git('status', '--porcelain', '--untracked-files=all');
  const read = (file: string) => readFileSync(join(clone.root, file), 'utf8');
  const write = (file: string, text: string) => writeFileSync(join(clone.root, file), text);
  /** What installing and building leave outside git. */
  const leftovers = () => [
    read('pnpm-lock.yaml'),
    read('node_modules/.rondo-installed'),
    ...['services', 'packages/contracts', 'proto'].map((folder) => namesBelow(join(clone.root, folder))),
  ];
  const state = async () => [await status(), ...leftovers()];

  function given(text: string): string {
    mkdirSync(join(elsewhere, 'helloworld'), { recursive: true });
    writeFileSync(join(elsewhere, 'helloworld/messages.proto'), MESSAGES);
    writeFileSync(join(elsewhere, 'helloworld/greeter.proto'), text);
    return join(elsewhere, 'helloworld/greeter.proto');
  }

  it('refuses in one line, and leaves the tree as it is', async () => {
    const before = await state();
    const refused = async (line: string, ...args: readonly string[]) => {
      const { code, stderr } = await clone.rondo('new', 'service', ...args);
      expect({ code, line: stderr.trimEnd().split('\n').at(-1) }).toEqual({
        code: 1,
        line: expect.stringContaining(line),
      });
    };
    await refused('"calculator-replica" is in compose already', 'calculator-replica');
    await refused('no system runs on', 'greeter', '--start', '--data', elsewhere);
    await refused('greeter.proto:4: imports', 'greeter', '--proto', given(GREETER.replace('messages', 'lost')));
    await refused('port 50050 belongs to registry', 'greeter', '--port', '50050');
    expect(await state()).toEqual(before);
  });

  it('leaves the tree as it is when the build fails, when Ctrl-C comes, and when the terminal is closed', async () => {
    const before = await state();
    const broken = read('services/registry/src/main.ts');
    write('services/registry/src/main.ts', `${broken}const wrong: number = 'text';\n`);
    const failed = await clone.rondo('new', 'service', 'greeter', '--proto', given(GREETER));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/FAILED {2}build [\s\S]*main\.ts:\d+:\d+ TS2322[\s\S]*it does not build/);
    write('services/registry/src/main.ts', broken);
    expect(await state()).toEqual(before);

    for (const signal of ['SIGINT', 'SIGHUP'] as const) {
      const interrupted = clone.startRondo('new', 'service', 'greeter', '--proto', given(GREETER));
      await eventually(() => expect(interrupted.output().stderr).toMatch(/ok +write/));
      interrupted.process.kill(signal);
      expect((await interrupted.ended).code).toBe(130);
      expect(await state()).toEqual(before);
    }
  });

  it('makes services that pass the checks, and their first tests', async () => {
    write(UNCONCERNED, `${read(UNCONCERNED)}${MARK}`);
    const greeter = await clone.rondo('new', 'service', 'greeter', '--proto', given(GREETER));
    expect(greeter.stderr).toMatch(/^(?:ok +\w+ +\d+\.\d s\n){6}$/);
    for (const text of [
      'proto/helloworld/messages.proto keeps its own style: buf.yaml says so',
      'To have it checked: npx buf format -w proto/helloworld/messages.proto',
      `${HANDLERS}\n      Write helloworld.Greeter/SayHello there`,
      "./rondo call helloworld.Greeter/SayHello '{}'",
      'npm start serves it at 127.0.0.1:50060',
    ]) {
      expect(greeter.stdout).toContain(text);
    }

    const config = read('jest.config.mjs');
    write('jest.config.mjs', `${config}throw new Error('no test can run');\n`);
    mkdirSync(join(clone.root, 'proto/errand/v1'), { recursive: true });
    write('proto/errand/v1/errand.proto', ERRAND);
    const errand = await clone.rondo('new', 'service', 'errand');
    expect(errand.code).toBe(1);
    expect(errand.stderr).toMatch(
      /FAILED {2}test [\s\S]*no test can run[\s\S]*services\/errand is made, but its test fails/,
    );
    expect(existsSync(join(clone.root, 'services/errand/src/main.ts'))).toBe(true);
    expect(read('proto/errand/v1/errand.proto')).toBe(ERRAND);
    const billing = await clone.rondo('new', 'service', 'billing', '--with-database', '--json', '--skip-test');
    expect(billing).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(billing.stdout)).toMatchObject({
      kind: 'created',
      port: 50_062,
      methods: expect.arrayContaining([
        { method: 'billing.v1.BillingService/Echo', file: 'services/billing/src/billing.ts' },
      ]),
    });
    write('jest.config.mjs', config);
    expect(read(UNCONCERNED)).toContain(MARK);

    // What a made service can break of `npm run check`; lab/foreign/foreign.long.test.ts runs all of it.
    const folders = ['greeter', 'errand', 'billing'].map((service) => `services/${service}`);
    const checks = [
      ['tsc', '--project', 'tsconfig.tests.json'],
      ['biome', 'ci', '--error-on-warnings', ...folders],
      ['knip', '--no-progress', '--treat-config-hints-as-errors'],
      ['buf', 'lint', 'proto'],
    ] as const;
    const failed = checks.map(async ([tool, ...args]) => {
      const { code, stdout, stderr } = await clone.run(join(clone.root, 'node_modules/.bin', tool), ...args);
      return code === 0 ? [] : [tool, stdout + stderr];
    });
    expect((await Promise.all(failed)).flat()).toEqual([]);
    // That of greeter has passed as it was made.
    const { code, stderr } = await clone.node(
      'scripts/rondo.mjs',
      'test',
      'services/(errand|billing)',
      'lab/e2e/contracts',
    );
    const passed = [...stderr.matchAll(/^PASS .*?\b(services\/\w+|e2e)\//gm)].map(([, folder]) => folder);
    expect({ code, passed: [...new Set(passed)].sort() }).toEqual({
      code: 0,
      passed: ['e2e', 'services/billing', 'services/errand'],
    });
  });

  it('follows the contract, and leaves every edited line alone', async () => {
    const written = read(HANDLERS).replace(
      'sayHello: unwritten,',
      'sayHello: ({ name })   =>   ({ message: name }), // mine',
    );
    write(HANDLERS, written);
    const changed = GREETER.replace('SayHello', 'Greet');
    const { code, stdout, stderr } = await clone.rondo('new', 'service', 'greeter', '--proto', given(changed));
    expect(read('proto/helloworld/greeter.proto')).toBe(changed);
    expect(read(HANDLERS)).toBe(written.replace('// mine\n', '// mine\n  greet: unwritten,\n'));
    expect(stdout).toContain(`helloworld.Greeter/Greet in ${HANDLERS}`);
    expect(stdout).toContain(`${HANDLERS}:8: remove sayHello: helloworld.Greeter has no such method any more`);
    expect(stderr).toContain('helloworld.Greeter has no method SayHello: remove the handler sayHello');
    expect(code).toBe(1);

    write('proto/helloworld/greeter.proto', `${GREETER}// edited here\n`);
    const refused = await clone.rondo('new', 'service', 'greeter', '--proto', given(GREETER));
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has been edited here since it was copied'),
    });
  });

  it("tells at once what main's clients would miss", async () => {
    const file = 'proto/calculator/v1/calculator.proto';
    const published = read(file);
    write(file, published.replace('rpc Add(', 'rpc Plus('));
    const { stdout } = await clone.rondo('new', 'service', 'calculator');
    expect(stdout).toMatch(/proto\/calculator\/v1\/calculator\.proto:\d+:\d+:Previously present RPC "Add"/);
    await clone.git('checkout', '--', 'services/calculator', file);
  });

  it('takes back what it made, and nothing that git has no copy of', async () => {
    const refused = await clone.rondo('remove', 'service', 'greeter');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `proto/helloworld/greeter.proto, ${HANDLERS}; commit them, or discard them with --force`,
    );
    const called = await clone.rondo('remove', 'service', 'project-management');
    expect(called.stderr).toContain('services/sales/src/projects.ts:');
    expect((await clone.rondo('remove', 'service', 'bilking')).stderr).toContain('Did you mean "billing"?');

    // The other service doesn't build; this one is removed all the same.
    const removed = await clone.rondo('remove', 'service', 'billing');
    expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('helloworld.Greeter has no method') });
    expect(removed.stdout).toContain('Its database billing stays on its server, with its data.');
    for (const service of ['errand', 'greeter']) {
      expect(await clone.rondo('remove', 'service', service, '--force')).toMatchObject({ code: 0 });
    }
    expect(await status()).toBe('');
    for (const gone of [
      'services/greeter',
      'services/billing',
      'proto/helloworld',
      'packages/contracts/src/helloworld',
      'packages/contracts/dist/billing',
    ]) {
      expect([gone, existsSync(join(clone.root, gone))]).toEqual([gone, false]);
    }
  });
});

const namesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.includes('node_modules'))
    .sort()
    .join('\n');
