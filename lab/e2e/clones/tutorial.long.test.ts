import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, eventually, freeBase, type RunningProcess } from '@rondo/harness';
import { readGuide } from '../../../e2e/src/docs.js';
import { startLanguageServer } from '../src/language-server.js';
import { timeArrival } from '../src/new-at-gateway.js';
import { type Clone, cloneRepository } from '../src/repository.js';

/** A save, a rebuild and a restart, on a machine that is busy. */
const SAY_HELLO = 'helloworld.Greeter/SayHello';
const WELCOME = 'reception.v1.ReceptionService/Welcome';

const ROUTE = '/v1/reception:welcome';

/** The contract of the reception, with a path for HTTP/JSON. */
const withRoute = (contract: string) =>
  contract
    .replace(/^package .*$/m, '$&\n\nimport "google/api/annotations.proto";')
    .replace(
      /^.*idempotency_level.*$/m,
      `$&\n    option (google.api.http) = {\n      post: "${ROUTE}"\n      body: "*"\n    };`,
    );

const guide = readGuide('add-a-service.md');
const testing = readGuide('test-a-service.md');

let clone: Clone;
/** The reader's folder of contracts. Its path has spaces. */
let desk: string;
let base: number;
let dev: RunningProcess;

const call = (...args: readonly string[]) => clone.rondo('call', '--registry', `127.0.0.1:${base}`, ...args);

async function succeed(work: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await work;
  if (code !== 0) throw new Error(`${stdout}${stderr}\nrondo dev: ${JSON.stringify(dev.output())}`);
  return stdout;
}

beforeAll(async () => {
  desk = mkdtempSync(join(tmpdir(), 'rondo a desk '));
  base = await freeBase();
  clone = await cloneRepository();
  dev = clone.startRondo('dev', '--port-base', String(base));
  await eventually(() => expect(dev.output().stdout).toContain('Rondo is up'));
});

afterAll(async () => {
  dev.process.kill('SIGINT');
  await dev.ended;
  clone.remove();
  rmSync(desk, { recursive: true });
});

describe('docs/guides/add-a-service.md', () => {
  it('needs seven command lines to the first call across two services', () => {
    expect(guide.commands.findIndex((line) => line.includes(WELCOME))).toBe(6);
  });

  it('makes the Greeter from its contract; it runs and says what to write', async () => {
    guide.write(desk, 'helloworld.proto');
    await Promise.all([
      succeed(clone.rondo('new', 'service', 'greeter', '--proto', join(desk, 'helloworld.proto'), '--start')),
      timeArrival({ service: 'helloworld.Greeter', method: 'SayHello' }, base),
    ]);
    const { stderr } = await call(SAY_HELLO, '{"name": "Ada"}');
    expect(stderr).toContain("isn't written yet: its handler belongs in services/greeter/src/greeter.ts");
  });

  it('answers what the handler says once it is saved', async () => {
    guide.write(clone.root, 'services/greeter/src/greeter.ts', 'services/greeter/test/greeter.test.ts');
    await eventually(async () => {
      expect(JSON.parse(await succeed(call(SAY_HELLO, '{"name": "Ada"}')))).toEqual({ message: 'Hello Ada' });
    });
  });

  it('calls the Greeter from another service', async () => {
    await clone.commit();
    guide.write(desk, 'reception.proto');
    const file = join(desk, 'reception.proto');
    writeFileSync(file, withRoute(readFileSync(file, 'utf8')));
    await Promise.all([
      succeed(clone.rondo('new', 'service', 'reception', '--proto', join(desk, 'reception.proto'), '--start')),
      timeArrival({ service: 'reception.v1.ReceptionService', method: 'Welcome', route: ROUTE }, base),
    ]);
    guide.write(clone.root, 'services/reception/src/reception.ts', 'services/reception/src/app.ts');
    await eventually(async () => {
      const greetings = ['Hello Ada', 'Hello Grace'];
      expect(JSON.parse(await succeed(call(WELCOME, '{"guests": ["Ada", "Grace"]}')))).toEqual({ greetings });
    });
  });
});

describe('docs/guides/test-a-service.md', () => {
  it('has tests that pass, and fail when the service is broken', async () => {
    const tests = [
      'reception/test/reception.test.ts',
      'reception/test/deadline.test.ts',
      'greeter/test/replicas.test.ts',
      'greeter/test/faults.test.ts',
    ];
    testing.write(clone.root, ...tests.map((file) => `services/${file}`));
    const run = () => clone.node('scripts/rondo.mjs', 'test', 'services/reception', 'services/greeter');
    expect(await succeed(run().then((ended) => ({ ...ended, stdout: ended.stderr })))).toMatch(
      /Tests: +6 passed, 6 total/,
    );

    const file = join(clone.root, 'services/reception/src/reception.ts');
    const code = readFileSync(file, 'utf8');
    writeFileSync(file, code.replace('greetings: replies.map(', 'greetings: replies.slice(1).map('));
    expect((await run()).stderr).toMatch(/Tests: +1 failed, 5 passed, 6 total/);
    writeFileSync(file, code);
  });

  it('leaves services without an error in an editor', async () => {
    await clone.git('add', '--all');
    const [first = ''] = (await clone.git('rev-list', '--max-parents=0', 'HEAD')).split('\n');
    const added = await clone.git('diff', '--cached', '--name-only', '--diff-filter=A', first, '--', 'services/*.ts');
    const sources = added.trimEnd().split('\n');
    expect(sources).toEqual(
      expect.arrayContaining(['services/greeter/src/main.ts', 'services/reception/test/deadline.test.ts']),
    );
    const server = await startLanguageServer(clone.root);
    for (const file of sources) server.open(file);
    const errors = await Promise.all(sources.map((file) => server.errors(file)));
    await server.close();
    expect(errors.flat()).toEqual([]);
  });

  // apps.long.test.ts runs the checks over services that were made; what a guide writes can only be of another style.
  it('leaves code in the style of the others', async () => {
    const { code, stdout, stderr } = await clone.node('node_modules/@biomejs/biome/bin/biome', 'ci', 'services');
    expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
  });
});
