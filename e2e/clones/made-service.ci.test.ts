import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Clone, cloneRepository } from '../src/repository.js';

const GREETER = `syntax = "proto3";
package helloworld;

service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply) {}
}

message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
`;

/** What a made service can break of `npm run check`; e2e/clones/foreign.long.test.ts runs all of it. */
const CHECKS = [
  ['tsc', '--project', 'tsconfig.tests.json'],
  ['biome', 'ci', '--error-on-warnings', 'services/greeter'],
  ['knip', '--no-progress', '--treat-config-hints-as-errors'],
  ['buf', 'lint', 'proto'],
] as const;

// e2e/clones/new-service.long.test.ts has more of both commands.
describe('a service that rondo new service makes from a contract, with a database', () => {
  let clone: Clone;
  beforeAll(async () => {
    clone = await cloneRepository();
  });
  afterAll(() => clone?.remove());

  it('passes its first test and the checks', async () => {
    const contract = join(clone.root, '.rondo/greeter.proto');
    writeFileSync(contract, GREETER);
    // As of a second system, which runs.
    const data = join(clone.root, '.rondo/second');
    mkdirSync(data);
    const launcher = { pid: process.pid, socket: join(data, 'launcher.sock'), registry: '127.0.0.1:51050' };
    writeFileSync(join(data, 'launcher.json'), JSON.stringify(launcher));
    const args = ['--proto', contract, '--with-database', '--data', data];
    const made = await clone.rondo('new', 'service', 'greeter', ...args);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/^ok +test /m) });
    expect(made.stdout).toContain('Write helloworld.Greeter/SayHello there');
    expect(made.stdout).toContain("./rondo call helloworld.Greeter/SayHello '{}' --registry 127.0.0.1:51050\n");
    for (const [tool, ...args] of CHECKS) {
      const { code, stdout, stderr } = await clone.run(join(clone.root, 'node_modules/.bin', tool), ...args);
      expect({ tool, code, output: code === 0 ? '' : stdout + stderr }).toEqual({ tool, code: 0, output: '' });
    }
  });

  it('is removed by rondo remove service, which leaves nothing of it', async () => {
    expect(await clone.rondo('remove', 'service', 'greeter')).toMatchObject({ code: 0 });
    expect(await clone.git('status', '--porcelain', '--untracked-files=all')).toBe('');
    for (const gone of ['services/greeter', 'proto/helloworld', 'packages/contracts/src/helloworld']) {
      expect([gone, existsSync(join(clone.root, gone))]).toEqual([gone, false]);
    }
  });
});
