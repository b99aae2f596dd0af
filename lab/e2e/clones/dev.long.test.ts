import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freeBase, isAlive, type RunningProcess, runNode, start } from '@rondo/harness';
import { ask } from '../../../e2e/src/ask.js';
import { type Clone, cloneRepository } from '../src/repository.js';

const HANDLERS = 'services/calculator/src/calculator.ts';
const CONTRACT = 'proto/calculator/v1/calculator.proto';

let clone: Clone;
let data: string;
let registry: string;
let base: number;
let dev: RunningProcess;

beforeAll(async () => {
  clone = await cloneRepository();
  data = mkdtempSync(join(tmpdir(), 'rondo-dev-'));
  base = await freeBase();
  registry = `127.0.0.1:${base}`;
  dev = clone.startRondo('dev', '--data', data, '--port-base', String(base));
  await says(/Watching proto, packages and services/);
});

afterAll(async () => {
  dev.process.kill('SIGINT');
  const { code } = await dev.ended;
  expect(code).toBe(0);
  expect(existsSync(join(data, 'launcher.json'))).toBe(false);
  clone.remove();
  rmSync(data, { recursive: true });
});

let read = 0;

/** Waits for new output that matches, and gives all of it up to the end of that line. */
async function says(pattern: RegExp): Promise<string> {
  const text = await eventually(() => {
    const { stdout, stderr } = dev.output();
    const found = new RegExp(`${pattern.source}.*\\n`).exec(stdout.slice(read));
    if (found === null) throw new Error(`${pattern} isn't said, but: ${stdout.slice(read)}\n${stderr}`);
    return stdout.slice(read, read + found.index + found[0].length);
  });
  read += text.length;
  return text;
}

const processes = (): Record<string, number> => JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8'));

/** The instances whose process is another one after `work`. */
async function changedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = processes();
  await work();
  const after = processes();
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .sort();
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(clone.root, file), 'utf8');
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(join(clone.root, file), text.replace(from, to));
}

async function call(method: string, request: object): Promise<unknown> {
  const args = ['scripts/rondo.mjs', 'call', method, JSON.stringify(request)];
  const { code, stdout, stderr } = await runNode(args, { cwd: clone.root, env: { RONDO_REGISTRY: registry } });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const add = () => call('calculator.v1.CalculatorService/Add', { a: 2, b: 3 });

describe('rondo dev', () => {
  it('serves a source that is saved, and restarts no other service', async () => {
    const changed = await changedBy(async () => {
      edit(HANDLERS, 'result: add(a, b)', 'result: add(a, b) + 1n');
      await says(/ok {6}services\/calculator\/src\/calculator\.ts → restarted calculator \(.* s\)/);
    });
    expect(await add()).toEqual({ result: '6' });
    expect(changed).toEqual(['calculator-1', 'calculator-2', 'calculator-3']);
  });

  it('shows a type error once, with its place, and serves the last good build until it is fixed', async () => {
    edit(HANDLERS, 'add(a, b) + 1n', "add(a, 'b')");
    expect(await says(/FAILED {2}/)).toMatch(/^services\/calculator\/src\/calculator\.ts:\d+:\d+ TS2345: .*bigint/);
    edit(HANDLERS, '/** The handlers', '/** All handlers');
    expect(await says(/FAILED {2}/)).toMatch(
      /^FAILED {2}\S+ → 1 fault: the previous version keeps running \(.* s\)\n$/,
    );
    expect(await add()).toEqual({ result: '6' });
    edit(HANDLERS, "add(a, 'b')", 'add(a, b)');
    await says(/ok {6}.* → restarted calculator/);
    expect(await add()).toEqual({ result: '5' });
  });

  it('serves the last version that starts until one does', async () => {
    const changed = await changedBy(async () => {
      edit(
        HANDLERS,
        '/** All handlers',
        "if (process.pid > 0) throw new Error('broken at its start');\n/** All handlers",
      );
      expect(await says(/FAILED {2}/)).toMatch(
        /calculator: calculator-\d has ended \(exit code 1\)[\s\S]*1 can't be started/,
      );
      expect(await add()).toEqual({ result: '5' });
    });
    expect(changed).toEqual([]);
    edit(HANDLERS, "if (process.pid > 0) throw new Error('broken at its start');\n", '');
    await says(/ok {6}/);
    expect(await add()).toEqual({ result: '5' });
  });

  it('serves a contract that is saved; the data stays', async () => {
    const product = { sku: 'KEPT', title: 'Kept', unitPrice: { currencyCode: 'EUR', units: 1 }, stock: 1 };
    const made = await call('sales.v1.ProductService/CreateProduct', { product });
    edit(CONTRACT, 'message AddResponse {', 'message AddResponse {\n  // How it was found.\n  string method = 77;');
    edit(HANDLERS, '{ result: add(a, b) }', "{ result: add(a, b), method: 'by hand' }");
    await says(/ok {6}proto\/calculator\/v1\/calculator\.proto and 1 more → restarted calculator.*sales/);
    expect(await add()).toEqual({ result: '5', method: 'by hand' });
    expect(made).toMatchObject({ name: expect.any(String) });
    const { name } = Object(made);
    expect(await call('sales.v1.ProductService/GetProduct', { name })).toEqual(made);
  });

  it('generates the same from one contract as from all of them', async () => {
    const stubs = join(clone.root, 'packages/contracts/src');
    const part = join(data, 'part');
    cpSync(stubs, part, { recursive: true });
    rmSync(join(stubs, '.inputs'));
    expect((await clone.node('scripts/rondo.mjs', 'generate')).code).toBe(0);
    expect((await start('diff', ['--recursive', part, stubs]).ended).stdout).toBe('');
  });

  it('shows what is wrong with a contract, and goes on', async () => {
    const changed = await changedBy(async () => {
      edit(CONTRACT, 'string method = 77;', 'strnig method = 77;');
      expect(await says(/FAILED {2}/)).toMatch(/^proto\/calculator\/v1\/calculator\.proto:\d+:3 .*strnig.*\n/);
      edit(CONTRACT, 'strnig method = 77;', 'string method = 77;');
      await says(/ok {6}.* → nothing to restart/);
    });
    expect(changed).toEqual([]);
  });

  it('says in one line which handler a changed contract lacks, and which is left over', async () => {
    const rule = 'option (rondo.options.v1.method) = {auth: {public: true}};';
    const method = `rpc Negate(AddRequest) returns (AddResponse) {\n    ${rule}\n  }\n  `;
    edit(CONTRACT, 'rpc Subtract(', `${method}rpc Subtract(`);
    const handler = 'no handler for calculator.v1.CalculatorService/Negate: add negate, or run: ./rondo new service';
    expect(await says(/FAILED {2}/)).toMatch(
      new RegExp(
        `^services/calculator/src/calculator\\.ts:\\d+:\\d+ ${handler} calculator\\nFAILED .*: the previous version`,
      ),
    );
    edit(CONTRACT, method, '');
    edit(HANDLERS, '  subtract:', '  negate: ({ a }) => ({ result: -a }),\n  subtract:');
    const removed = 'calculator.v1.CalculatorService has no method Negate: remove the handler negate';
    expect(await says(new RegExp(`${removed}.*\\nFAILED {2}`))).toMatch(
      /^services\/calculator\/src\/calculator\.ts:\d+/m,
    );
    edit(HANDLERS, '  negate: ({ a }) => ({ result: -a }),\n', '');
    await says(/ok {6}.* → /);
  });

  it('keeps the generated code if contracts contradict each other', async () => {
    const descriptors = () => readFileSync(join(clone.root, 'packages/contracts/descriptors.binpb'));
    const before = descriptors();
    edit(CONTRACT, 'timeout: {seconds: 2}', 'timeout: {seconds: 99999}');
    expect(await says(/FAILED {2}/)).toMatch(/timeout is 99999000 ms/);
    expect(descriptors()).toEqual(before);
    edit(CONTRACT, 'timeout: {seconds: 99999}', 'timeout: {seconds: 2}');
    await says(/ok {6}.* → nothing to restart/);
    expect(descriptors()).toEqual(before);
  });

  it('restarts a process that has ended by itself, and not because of a change of another service', async () => {
    const { 'sales-1': pid = 0 } = processes();
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(dev.output().stderr).toContain('sales-1 has ended (SIGKILL)'));
    edit(HANDLERS, '/** All handlers', '/** The handlers');
    await says(/ok {6}.* → restarted calculator \(/);
    await eventually(() => expect(dev.output().stderr).toContain('sales-1 runs again'));
    expect(dev.output().stderr.match(/sales-1 has ended/g)).toHaveLength(1);
  });

  it('gives up a service that an edit makes crash, and starts it after the next edit', async () => {
    const main = 'services/sales/src/main.ts';
    // After the service is ready.
    const crash = "setInterval(() => existsSync('.rondo/crash') && process.exit(3), 50);\n";
    const flag = join(clone.root, '.rondo/crash');
    const text = readFileSync(join(clone.root, main), 'utf8');
    writeFileSync(join(clone.root, main), `import { existsSync } from 'node:fs';\n${text}${crash}`);
    await says(/ok {6}.* → restarted sales/);
    writeFileSync(flag, '');
    await eventually(() => expect(dev.output().stderr).toContain('sales-1 has ended (exit code 3), 5 times'));
    rmSync(flag);
    edit(HANDLERS, '/** The handlers', '/** All handlers');
    await says(/ok {6}.* → restarted calculator \(/);
    expect((await ask(data, { command: 'processes' }))[0]?.processes).toContainEqual(
      expect.objectContaining({ name: 'sales-1', state: 'failed', exits: 5 }),
    );
    writeFileSync(join(clone.root, main), text);
    await says(/ok {6}.* → restarted sales/);
    const listed = (await ask(data, { command: 'processes' }))[0]?.processes?.find(({ name }) => name === 'sales-1');
    expect(listed).toMatchObject({ state: 'running' });
    expect(listed?.exits).toBeUndefined();
  });

  it('starts a service that is added, says why one cannot start, and stops one that is removed', async () => {
    const folder = join(clone.root, 'services/echo');
    const main = 'services/echo/src/main.ts';
    addEcho(folder);
    expect(await says(/FAILED {2}/)).toContain(
      "echo: services/echo isn't built: npm run build, and tsconfig.build.json",
    );
    edit('tsconfig.build.json', CALCULATOR, CALCULATOR + ECHO);
    await says(/ok {6}.* → started echo/);
    expect(Object.keys(processes())).toContain('echo-1');
    edit(main, 'await runService', "throw new Error('out of order');\nawait runService");
    expect(await says(/FAILED {2}/)).toMatch(/^echo: echo-1 has ended \(exit code 1\)\n(.*\n)*.*out of order/);
    await ask(data, { command: 'stop', service: 'echo' }); // the process from before the edit still serves
    const [refused] = await ask(data, { command: 'start', service: 'echo' });
    expect(refused?.message).toMatch(/^echo-1 has ended \(exit code 1\)\n(.*\n)*.*out of order/);
    edit(main, "throw new Error('out of order');\n", '');
    await says(/ok {6}.* → started echo/);
    edit('tsconfig.build.json', ECHO, '');
    rmSync(folder, { recursive: true });
    await says(/→ stopped echo/);
    expect(Object.keys(processes())).not.toContain('echo-1');
  });

  it('builds what rondo new writes once, when all of it is there', async () => {
    await clone.commit();
    const made = await clone.rondo('new', 'service', 'greeter', '--skip-test');
    expect([made.code, made.stderr]).toEqual([0, expect.not.stringContaining('FAILED')]);
    expect(made.stdout).toContain(`./rondo restart greeter --data ${data} starts it at 127.0.0.1:${base + 10}.`);
    const listed = (await ask(data, { command: 'processes' }))[0]?.processes;
    expect(listed?.find(({ name }) => name === 'gateway-1')?.public).toBe(`127.0.0.1:${base + 20}`);
    expect(await says(/ok {6}/)).toMatch(/^ok {6}\S+ and \d+ more → started greeter \(.* s\)\n$/);
    expect(dev.output().stderr).toMatch(/Waiting for rondo new service \(process \d+\) …\n/);
  });

  it('restarts nothing more once it is stopping', async () => {
    const pids = Object.values(processes());
    edit(HANDLERS, ' handlers', ' last handlers');
    const built = join(clone.root, 'services/calculator/dist/calculator.js');
    await eventually(() => expect(readFileSync(built, 'utf8')).toContain('last handlers'));
    dev.process.kill('SIGINT');
    const { code, stdout } = await dev.ended;
    expect([code, stdout.slice(read)]).toEqual([0, expect.stringMatching(/^\nStopping \(\w+\) …\n$/)]);
    expect(pids.length).toBeGreaterThan(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

const [CALCULATOR, ECHO] = ['calculator', 'echo'].map((service) => `    { "path": "services/${service}" },\n`) as [
  string,
  string,
];

/** Adds a copy of calculator with another name and port, all files at once, as git would, but for the reference to it. */
function addEcho(folder: string): void {
  const lock = readFileSync(join(clone.root, 'pnpm-lock.yaml'), 'utf8');
  const importer = /^ {2}services\/calculator:\n(?: {4}.*\n|\n)*/m.exec(lock)?.[0] ?? '';
  const draft = join(clone.root, '.rondo/echo'); // on the disk of the services: it is moved there at once
  cpSync(join(clone.root, 'services/calculator'), draft, {
    recursive: true,
    filter: (file) => !/\/(?:dist|node_modules|test)$/.test(file),
  });
  replaceIn(join(draft, 'package.json'), [
    ['service-calculator', 'service-echo'],
    ['50051', '50060'],
    ['"instances": 3', '"instances": 1'],
  ]);
  replaceIn(join(draft, 'src/main.ts'), [
    ["'calculator'", "'echo'"],
    ['50051', '50060'],
  ]);
  writeFileSync(
    join(clone.root, 'pnpm-lock.yaml'),
    lock.replace(importer, importer + importer.replace('calculator', 'echo')),
  );
  renameSync(draft, folder);
}

function replaceIn(file: string, replacements: readonly (readonly [from: string, to: string])[]): void {
  const text = replacements.reduce((so, [from, to]) => so.replace(from, to), readFileSync(file, 'utf8'));
  writeFileSync(file, text);
}
