import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** In place of the import: its code has one name twice. */
  const CREATED = 'message HelloReply {}';
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
  function given(text: string): string {
    mkdirSync(join(elsewhere, 'helloworld'), { recursive: true });
    writeFileSync(join(elsewhere, 'helloworld/messages.proto'), MESSAGES);
    writeFileSync(join(elsewhere, 'helloworld/greeter.proto'), text);
    return join(elsewhere, 'helloworld/greeter.proto');
  }

  it('says how git takes it back when the build fails, when Ctrl-C comes, and when the terminal is closed', async () => {
    const takeBack = async (stderr: string) => {
      const [, commands = 'false'] = /This takes it back: (.*)$/m.exec(stderr) ?? [];
      await clone.run('/bin/sh', '-c', commands);
      expect(await status()).toBe('');
    };
    const unfit = GREETER.replace('HelloRequest)', 'createBaseHelloReply)').concat('message createBaseHelloReply {}\n');
    const failed = await clone.rondo('new', 'service', 'greeter', '--proto', given(unfit.replace(/import.*/, CREATED)));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/FAILED {2}build [\s\S]*Duplicate identifier[\s\S]*it does not build/);
    await takeBack(failed.stderr);

    for (const signal of ['SIGINT', 'SIGHUP'] as const) {
      const interrupted = clone.startRondo('new', 'service', 'greeter', '--proto', given(GREETER));
      await eventually(() => expect(interrupted.output().stderr).toMatch(/ok +write/));
      interrupted.process.kill(signal);
      const { code, stderr } = await interrupted.ended;
      expect(code).toBe(130);
      await takeBack(stderr);
    }
  });

  it('makes services that pass the checks, and their first tests', async () => {
    write(UNCONCERNED, `${read(UNCONCERNED)}${MARK}`);
    const greeter = await clone.rondo('new', 'service', 'greeter', '--proto', given(GREETER));
    expect(greeter.stderr).toMatch(/^(?:ok +\w+ +\d+\.\d s\n){6}$/);
    await clone.commit();
    for (const text of [
      'proto/helloworld/messages.proto comes from elsewhere and keeps its style',
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
    await clone.commit();
    const errand = await clone.rondo('new', 'service', 'errand');
    expect(errand.code).toBe(1);
    expect(errand.stderr).toMatch(
      /FAILED {2}test [\s\S]*no test can run[\s\S]*services\/errand is made, but its test fails/,
    );
    expect(existsSync(join(clone.root, 'services/errand/src/main.ts'))).toBe(true);
    expect(read('proto/errand/v1/errand.proto')).toBe(ERRAND);
    await clone.commit();
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

  it('prints what a changed contract asks for, and leaves every line alone', async () => {
    const written = read(HANDLERS).replace(
      'sayHello: unwritten,',
      'sayHello: ({ name })   =>   ({ message: name }), // mine',
    );
    write(HANDLERS, written);
    await clone.commit();
    const changed = GREETER.replace('SayHello', 'Greet');
    const { code, stdout, stderr } = await clone.rondo('new', 'service', 'greeter', '--proto', given(changed));
    expect(read('proto/helloworld/greeter.proto')).toBe(changed);
    expect(read(HANDLERS)).toBe(written);
    expect(stdout).toContain(`Put into ${HANDLERS}:\n  greet: unwritten,\n`);
    expect(stderr).toContain('helloworld.Greeter has no method SayHello: remove the handler sayHello');
    expect(code).toBe(1);

    write('proto/helloworld/greeter.proto', `${GREETER}// edited here\n`);
    const refused = await clone.rondo('new', 'service', 'greeter', '--proto', given(GREETER));
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('git holds no copy of changes here: M proto/helloworld/greeter.proto'),
    });
    await clone.commit();
  });

  it('removes what it made, and nothing that git has no copy of', async () => {
    write(HANDLERS, `${read(HANDLERS)}// more\n`);
    const refused = await clone.rondo('remove', 'service', 'greeter');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`changes here: M ${HANDLERS}; commit`) });
    write('proto/helloworld/greeter.proto', GREETER.replace('SayHello', 'Greet'));
    await clone.commit();
    const called = await clone.rondo('remove', 'service', 'project-management');
    expect(called.stderr).toContain('services/sales/src/projects.ts:');
    expect((await clone.rondo('remove', 'service', 'bilking')).stderr).toContain('Did you mean "billing"?');

    // The other service doesn't build; this one is removed all the same.
    const removed = await clone.rondo('remove', 'service', 'billing');
    expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('helloworld.Greeter has no method') });
    expect(removed.stdout).toContain('Its database billing stays on its server, with its data.');
    for (const service of ['errand', 'greeter']) {
      await clone.commit();
      expect(await clone.rondo('remove', 'service', service)).toMatchObject({ code: 0 });
    }
    const [first = ''] = (await clone.git('rev-list', '--max-parents=0', 'HEAD')).trim().split('\n');
    expect(await clone.git('diff', '--stat', first)).toBe('');
    for (const gone of [
      'services/greeter',
      'services/billing',
      'proto/helloworld',
      'packages/contracts/src/helloworld',
    ]) {
      expect([gone, existsSync(join(clone.root, gone))]).toEqual([gone, false]);
    }
  });
});
