import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ended, eventually, freeBase, type RunningProcess, root, start } from '@rondo/harness';
import { Status } from '@rondo/rpc/status';
import { type Guide, readGuide } from '../../../e2e/src/docs.js';
import { addPackages } from '../src/add-packages.js';
import { isAmongOutFiles, readConfiguration, startUnderInspector } from '../src/launch-json.js';
import { type Clone, cloneRepository } from '../src/repository.js';

const configuration = readGuide('configure-a-service.md');
const errors = readGuide('requests-and-errors.md');
const replicas = readGuide('live-updates.md');
const rules = readGuide('security.md');
const database = readGuide('store-data.md');
const resources = readGuide('add-a-resource.md');
const gateway = readGuide('gateway.md');
const debugging = readGuide('test-a-service.md');
const oneService = readGuide('run-a-system.md');
const noCompose = spawnSync('docker', ['compose', 'version']).status !== 0;
if (noCompose)
  process.stdout.write('docker compose is not installed here: the compose file of a guide is not checked\n');
/** WebSocket is experimental before Node 22. */
const WEB_SOCKET = process.versions.node.startsWith('20.') ? ['--experimental-websocket', '--no-warnings'] : [];

let clone: Clone;
/** The reader's folder of contracts: `~` of the guides. */
let desk: string;
let data: string;
let base: number;
let system: RunningProcess;
/** Processes that a test leaves behind if it fails. */
const started: RunningProcess[] = [];

/** The first command of a guide that has `part`. */
function commandOf({ commands }: Guide, part: string): string {
  const found = commands.find((line) => line.includes(part));
  if (found === undefined) throw new Error(`no command has ${part}: ${commands.join('\n')}`);
  return found;
}

/** The variables that a command line sets for its program. */
function environmentOf(line: string): Record<string, string> {
  const [assignments = ''] = /^(?:[A-Z_]+=\S+ )*/.exec(line) ?? [];
  const pairs = assignments.trim().split(' ').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
}

/** Runs a line of a guide on the system of this test, by this Node. */
function run(line: string, more = ''): RunningProcess {
  const command = line
    .replace('./rondo', `exec "${process.execPath}" scripts/rondo.mjs`)
    .replace(/(^| )node /, `$1exec "${process.execPath}" `)
    .replace('~/', `"${desk}"/`);
  const place = { cwd: clone.root, env: { RONDO_REGISTRY: `127.0.0.1:${base}`, CI: 'false' } };
  return start('/bin/sh', ['-c', `${command} ${more}`], place);
}

async function succeed(work: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await work;
  if (code !== 0) throw new Error(`${stdout}${stderr}\nthe system: ${JSON.stringify(system?.output())}`);
  return stdout;
}

const answer = async (line: string, more?: string) => JSON.parse(await succeed(run(line, more).ended));

/** Makes a guide's services, and writes every file that the guide shows. */
async function follow(guide: Guide): Promise<void> {
  const made = guide.commands.filter((command) => command.startsWith('./rondo new service '));
  const isContract = (file: string) => file.endsWith('.proto');
  guide.write(desk, ...guide.files.filter(isContract));
  // The guide replaces a service's first test; the tests of all guides run at the end.
  for (const line of made) {
    await clone.commit();
    await succeed(run(line, '--skip-test').ended);
  }
  guide.write(clone.root, ...guide.files.filter((file) => file.includes('/') && !isContract(file)));
}

/** Passes the database to the handlers, as the guide says. */
function passDatabase(): void {
  const text = readFileSync(join(root, 'docs/guides/store-data.md'), 'utf8');
  const [, call = 'none'] = /`(createBilling\(.*?\))`/.exec(text) ?? [];
  const file = join(clone.root, 'services/billing/src/app.ts');
  const app = readFileSync(file, 'utf8')
    .replace('{ billing }', '{ createBilling }')
    .replace(', billing)', `, ${call})`);
  writeFileSync(file, `import { randomUUID } from 'node:crypto';\n${app}`);
}

/** Makes the resources of the guide, with the method that it adds to a contract. */
async function followResources(): Promise<void> {
  for (const line of resources.commands.filter((one) => one.startsWith('./rondo new '))) {
    await clone.commit();
    await succeed(run(line, '--skip-test').ended);
  }
  const file = join(clone.root, 'proto/bookshop/v1/books.proto');
  const contract = readFileSync(file, 'utf8').replace(/^\}$/m, `${resources.code('method')}}`);
  writeFileSync(file, `${contract}\n${resources.code('request')}`);
  const lacking = await run('./rondo new service bookshop').ended;
  expect(lacking.stdout).toContain('Put into services/bookshop/src/books.ts:\n  sellBook: unimplemented(');
  resources.write(clone.root, 'services/bookshop/src/books.ts');
}

beforeAll(async () => {
  [desk, data] = [mkdtempSync(join(tmpdir(), 'rondo desk ')), mkdtempSync(join(tmpdir(), 'rondo-guides-'))];
  clone = await cloneRepository();
  await followResources();
  for (const guide of [configuration, errors, database, replicas, oneService]) {
    await follow(guide);
    if (guide === database) passDatabase();
  }
  addPackages(join(clone.root, 'services/rooms'), 'jobs');
  await succeed(run(commandOf(replicas, 'rondo install')).ended);
  rules.write(clone.root, ...rules.files);
  await succeed(clone.node('scripts/rondo.mjs', 'build'));
  base = await freeBase();
  const env = environmentOf(commandOf(configuration, 'npm start'));
  const args = ['scripts/rondo.mjs', 'start', '--data', data, '--port-base', String(base)];
  system = start(process.execPath, args, { cwd: clone.root, env });
  await Promise.race([
    eventually(() => expect(system.output().stdout).toContain('Rondo is up')),
    system.ended.then(({ stdout, stderr }) => Promise.reject(new Error(`${stdout}${stderr}`))),
  ]);
});

afterAll(async () => {
  for (const { process: child } of started) child.kill('SIGKILL');
  system.process.kill('SIGINT');
  await Promise.all([system, ...started].map(({ ended }) => ended));
  clone.remove();
  for (const folder of [desk, data]) rmSync(folder, { recursive: true, force: true });
});

describe('configure-a-service.md', () => {
  const line = commandOf(configuration, 'NotesService/Echo');

  it('says at the start which variable is wrong, and why', async () => {
    const { code, stderr } = await run(commandOf(configuration, 'dist/main.js')).ended;
    expect({ code, stderr }).toEqual({ code: 78, stderr: configuration.code('output') });
  });

  it('reads .env, which the environment overrides; lets in a caller that has a key, and names it to the handler', async () => {
    expect(await answer(line)).toEqual({ text: 'ada: hello (Ada)' });
    const { code, stderr } = await run(line.replace('swordfish', 'sword')).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('UNAUTHENTICATED') });
  });
});

describe('requests-and-errors.md', () => {
  it('leads from an unexpected error to its line in the source', async () => {
    const { stderr } = await run(commandOf(errors, 'BorrowBook')).ended;
    const [, trace = 'none'] = /INTERNAL: internal error; .*rondo logs --trace ([0-9a-f]{32})\n/.exec(stderr) ?? [];
    const logs = commandOf(errors, 'rondo logs').replace(/[0-9a-f]{32}$/, trace);
    const source = errors.code('services/library/src/library.ts').split('\n');
    const thrown = source.findIndex((line) => line.includes('is damaged')) + 1;
    await eventually(async () => {
      const log = await succeed(run(logs, `--data '${data}'`).ended);
      expect(log).toContain(`services/library/src/library.ts:${thrown}:`);
    });
  });
});

/** A member at a terminal: runs a guide's client by its own command, with another name at the end. */
function enterBy(line: string, member: string) {
  const words = line.split(' ').slice(1, -1);
  const place = { cwd: clone.root, env: { RONDO_REGISTRY: `127.0.0.1:${base}` }, input: true };
  const terminal = start(process.execPath, [...words, member], place);
  started.push(terminal);
  return terminal;
}

describe('live-updates.md, in one process', () => {
  const enter = (member: string) => enterBy(commandOf(replicas, 'chat.mjs'), member);

  it('lets two members hear each other, and frees the place of one that is killed', async () => {
    const ada = enter('Ada');
    const bob = enter('Bob');
    await eventually(() => {
      bob.process.stdin?.write('here\n');
      ada.process.stdin?.write('hello\n');
      expect(bob.output().stdout).toContain('Ada: hello\n');
      expect(ada.output().stdout).toContain('Bob: here\n');
    });
    bob.process.kill('SIGKILL');
    await bob.ended;
    const again = await eventually(async () => {
      const second = enter('Bob');
      second.process.stdin?.end('back\n');
      const ended = await second.ended;
      expect({ ...ended, stderr: '' }).toMatchObject({ code: 0 });
      return ended;
    });
    expect(again.stderr).toBe('');
    await eventually(() => expect(ada.output().stdout).toContain('Bob: back\n'));
    ada.process.stdin?.end();
    expect(await ada.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('live-updates.md', () => {
  const scale = (command: string) => succeed(run(commandOf(replicas, command), `--data '${data}'`).ended);

  it('brings each line once, in order, to members at three replicas, also while two of them are drained', async () => {
    expect((await scale('scale rooms 3')).match(/^rooms-\d runs at /gm)).toHaveLength(3);
    const members = ['Ada', 'Bob', 'Cid', 'Dot', 'Eve', 'Fay'].map((name) =>
      enterBy(commandOf(replicas, 'room.mjs'), name),
    );
    let draining: Promise<string> | undefined;
    const posted: string[] = [];
    for (let count = 1; count <= 30; count += 1) {
      const sender = members[count % 2];
      sender?.process.stdin?.write(`${count}\n`);
      posted.push(`${count % 2 === 0 ? 'Ada' : 'Bob'}: ${count}\n`);
      if (count === 10) draining = scale('scale rooms 1');
      await eventually(() => {
        for (const { output } of members) expect(output()).toMatchObject({ stdout: posted.join(''), stderr: '' });
      });
      if (count === 20) expect(await draining).toMatch(/^rooms-1 runs at \S+\n$/);
    }
    const watched = ['rooms-2', 'rooms-3'].filter((name) =>
      readFileSync(join(data, 'logs', `${name}.log`), 'utf8').includes('ending the streams'),
    );
    expect(watched).not.toEqual([]);
    for (const { process: child } of members) child.stdin?.end();
    for (const { ended } of members) expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('test-a-service.md', () => {
  const handlers = 'services/calculator/src/published-calculator.ts';
  const test = 'services/calculator/src/int64.test.ts';

  /** Sets a breakpoint in the first line that has a text, and gives the debugger's process. */
  async function setBreakpoint(debugged: RunningProcess, { file, text }: { file: string; text: string }) {
    started.push(debugged);
    const [url = ''] = await eventually(() => /ws:\S+/.exec(debugged.output().stderr) ?? Promise.reject());
    // A second longer than clients wait for a silent connection.
    const client = [...WEB_SOCKET, 'lab/e2e/src/breakpoint.mjs', url, join(clone.root, file), text, '3000'];
    const debug = start(process.execPath, client, { cwd: clone.root });
    await eventually(() => expect(debug.output().stdout).toMatch(/^set\n/));
    return debug;
  }

  /** What the debugger prints if the process stops in that line. */
  function hitIn(file: string, text: string): string {
    const lines = readFileSync(join(clone.root, file), 'utf8').split('\n');
    return `set\nhit ${join(clone.root, file)}:${lines.findIndex((line) => line.includes(text)) + 1}\n`;
  }

  const untilServing = () =>
    eventually(async () => {
      const { instances } = await answer('./rondo ps --json');
      expect(instances).toContainEqual(
        expect.objectContaining({ instanceId: 'calculator-debug', version: 'debug', status: 'SERVING' }),
      );
    });

  const add = 'add: ({ a, b })';

  /** Stops in the handler by a call, for longer than a frozen process would be called. */
  async function stopInHandler(debugged: RunningProcess, debug: RunningProcess): Promise<void> {
    await untilServing();
    expect(await answer(commandOf(debugging, 'calculator.Calculator/Add'))).toEqual({ result: '5' });
    expect(await succeed(debug.ended)).toBe(hitIn(handlers, add));
    expect(await debugged.stop()).toMatchObject({ code: 0 });
  }

  it('stops in a handler that was started by its command', async () => {
    const debugged = run(commandOf(debugging, '--inspect ').replace('--inspect', '--inspect=0'));
    await eventually(() => expect(debugged.output().stdout).toContain('listening on'));
    await stopInHandler(debugged, await setBreakpoint(debugged, { file: handlers, text: add }));
  });

  it('stops in a handler that was started by .vscode/launch.json', async () => {
    const values = { workspaceFolder: clone.root, 'input:service': 'calculator' };
    const configuration = readConfiguration('Service next to rondo dev', values);
    const built = join(clone.root, handlers.replace('/src/', '/dist/').replace('.ts', '.js'));
    expect(isAmongOutFiles(configuration, built)).toBe(true);
    const env = { RONDO_REGISTRY: `127.0.0.1:${base}` };
    const debugged = startUnderInspector(configuration, { cwd: clone.root, env });
    await stopInHandler(debugged, await setBreakpoint(debugged, { file: handlers, text: add }));
  });

  it('stops in a test that was started by .vscode/launch.json, and runs it by the same arguments', async () => {
    const values = { workspaceFolder: clone.root, file: join(clone.root, test) };
    const configuration = readConfiguration('Test of this file', values);
    const debugged = startUnderInspector(configuration, { cwd: clone.root });
    const debug = await setBreakpoint(debugged, { file: test, text: 'expect(add(' });
    expect(await succeed(debug.ended)).toBe(hitIn(test, 'expect(add('));
    const passed = { code: 0, stderr: expect.stringMatching(/Tests: +\d+ passed/) };
    expect(await debugged.ended).toMatchObject(passed);
    const line = commandOf(debugging, 'jest.js');
    for (const arg of ['jest.js', '--experimental-vm-modules', '--runInBand', '--runTestsByPath']) {
      expect(line).toContain(arg);
      expect(JSON.stringify(configuration)).toContain(arg);
    }
    expect(await run(line).ended).toMatchObject(passed);
  });
});

describe('add-a-resource.md', () => {
  const curl = async (part: string, more = '') => {
    const line = commandOf(resources, part).replace('127.0.0.1:8080', `127.0.0.1:${base + 20}`);
    return JSON.parse(await succeed(run(line, more).ended));
  };

  it('stores, lists and changes books, with a rule and a method of its own', async () => {
    expect(await curl('author_id=jane')).toMatchObject({ name: 'authors/jane' });
    expect(await curl('book_id=emma')).toMatchObject({ name: 'authors/jane/books/emma', stock: 2 });
    expect(await curl('filter=')).toMatchObject({ books: [{ title: 'Emma' }] });
    expect(await curl('PATCH')).toMatchObject({ title: 'Emma', price: { currencyCode: 'GBP', units: '8' } });
    const emma = `http://127.0.0.1:${base + 20}/v1/authors/jane/books/emma`;
    const refused = async (url: string, method: string, body: string) =>
      (await fetch(url, { method, headers: { 'content-type': 'application/json' }, body })).json();
    expect(await refused(`${emma}?update_mask=price`, 'PATCH', '{}')).toMatchObject({
      message: 'authors/jane/books/emma has a price; keep one',
    });
    const text = readFileSync(join(root, 'docs/guides/add-a-resource.md'), 'utf8');
    const [, sold = '', path = ''] = /`curl -d '(.*)' http:\/\/127\.0\.0\.1:8080(\S*:sell)`/.exec(text) ?? [];
    expect(await refused(`http://127.0.0.1:${base + 20}${path}`, 'POST', sold)).toMatchObject({
      message: 'authors/jane/books/emma has 2 copies; sell fewer',
    });
  });
});

describe('store-data.md', () => {
  it('makes one invoice for a request that comes twice', async () => {
    const line = commandOf(database, 'CreateInvoice');
    const first = await answer(line);
    expect(first).toMatchObject({ name: expect.stringMatching(/^invoices\//), totalCents: '1200' });
    expect(await answer(line)).toEqual(first);
  });
});

describe('run-a-system.md', () => {
  it('has a container of an image that exists, with variables that services read', () => {
    const file = oneService.code('infra/compose/one-service.yml');
    const reference = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8');
    const names = [...file.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name = '']) => name);
    expect(names).toContain('RONDO_REGISTRY');
    expect(names.filter((name) => !reference.includes(`\`${name}\``))).toEqual([]);
    expect(existsSync(join(root, 'services', /SERVICE: (\S+)/.exec(file)?.[1] ?? 'none'))).toBe(true);
  });

  (noCompose ? it.skip : it)('has a compose file that docker understands', async () => {
    expect(await succeed(run(commandOf(oneService, ' config ')).ended)).toBe('');
    const config = commandOf(oneService, ' config ').replace('--quiet', '--format json');
    const { dockerfile, context } = (await answer(config)).services['calculator-team'].build;
    expect(existsSync(join(context, dockerfile))).toBe(true);
  });
});

describe('gateway.md', () => {
  it('gives the HTTP status of each code', () => {
    const text = readFileSync(join(root, 'docs/guides/gateway.md'), 'utf8');
    const missing = Object.keys(Status).filter((code) => !text.includes(`\`${code}\``));
    expect(missing).toEqual(['OK', 'DATA_LOSS']);
  });

  it('has commands that do what it says', async () => {
    const create = commandOf(gateway, 'CreateProduct');
    const product = await answer(create);
    expect(await answer(create)).toEqual(product);
    expect(await answer(commandOf(gateway, 'ListProducts'))).toEqual({ products: [product], nextPageToken: '' });
    expect((await run(commandOf(gateway, 'products/none')).ended).stderr).toContain('NOT_FOUND');
  });
});

describe('the services of the guides', () => {
  const services = ['notes', 'library', 'rooms', 'billing', 'bookshop'];
  const folders = [...services, 'chat'].map((service) => `services/${service}`);

  it('pass their tests', async () => {
    const { code, stderr } = await clone.node('scripts/rondo.mjs', 'test', `services/(${services.join('|')})`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/Tests: +16 passed, 16 total/) });
  });

  it('have tests that pass the type check, and code that is formatted', async () => {
    const config = { extends: './tsconfig.tests.json', include: folders.map((folder) => `${folder}/test`) };
    writeFileSync(join(clone.root, 'tsconfig.guides.json'), JSON.stringify(config));
    const typed = clone.node('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.guides.json');
    const scripts = replicas.files.filter((file) => file.startsWith('e2e/'));
    const tidy = clone.node(
      'node_modules/@biomejs/biome/bin/biome',
      'ci',
      '--error-on-warnings',
      ...folders,
      ...scripts,
    );
    for (const { code, stdout, stderr } of await Promise.all([typed, tidy])) {
      expect({ code, output: code === 0 ? '' : `${stdout}${stderr}` }).toEqual({ code: 0, output: '' });
    }
  });
});
