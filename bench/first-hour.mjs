/**
 * How long a newcomer waits: from git clone to the first edited handler that answers, and from a save to its answer.
 *
 *   node bench/first-hour.mjs [--of DIR] [--saves N]
 *
 * `--of` measures another clone of the repository, such as one of an earlier version. Nothing may run on the default ports.
 * It is for a quiet machine; packages come from npm's cache if they are there.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { of: { type: 'string', default: here }, saves: { type: 'string', default: '7' } },
});
const PATIENCE_MS = 300_000;
const POLL_MS = 10;
const HANDLER = 'services/greeter/src/greeter.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-first-hour-'));
const clone = path.join(folder, 'rondo');
const children = [];
const line = (what, ms) => console.log(`${what.padEnd(64)} ${(ms / 1000).toFixed(2).padStart(7)} s`);
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

try {
  await measure();
} finally {
  for (const child of children) child.kill('SIGINT');
  await Promise.all(
    children.map((child) => child.exitCode === null && new Promise((done) => child.once('close', done))),
  );
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
  const startedAt = performance.now();
  line(
    'git clone',
    timed(() => execFileSync('git', ['clone', '--quiet', '--no-hardlinks', values.of, clone])),
  );
  line('npm start, to "Rondo is up" (installs, generates, builds)', await untilUp('npm', ['start']));
  await stop();
  line('rondo dev, to "Rondo is up"', await untilUp(process.execPath, ['scripts/rondo.mjs', 'dev']));

  const proto = path.join(folder, 'helloworld.proto');
  writeFileSync(proto, block('proto helloworld.proto'));
  const call = greeter();
  const madeAt = performance.now();
  const making = rondo('new', 'service', 'greeter', '--proto', proto, '--start');
  await until(async () => (await call()).includes("isn't written yet"));
  line('rondo new service --start, to the first call that is served', performance.now() - madeAt);
  await new Promise((done) => making.once('close', done));
  line('rondo new service --start, to its end', performance.now() - madeAt);
  writeFileSync(path.join(clone, HANDLER), block(`ts ${HANDLER}`));
  await until(async () => (await call()).includes('Hello Ada'));
  line('all of it, to the first answer of an edited handler', performance.now() - startedAt);

  await saves(call);
  // rondo is bundled once nothing has been saved for three seconds.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  commands();
}

async function saves(call) {
  const file = path.join(clone, HANDLER);
  const handler = readFileSync(file, 'utf8');
  const contract = path.join(clone, 'proto/helloworld/helloworld.proto');
  const text = readFileSync(contract, 'utf8');
  const ofHandler = [];
  const ofContract = [];
  for (let turn = 0; turn < Number(values.saves); turn += 1) {
    writeFileSync(file, handler.replace('Hello ', `Hello ${turn} `));
    ofHandler.push(await answered(call, `Hello ${turn} Ada`));
    // A new field, and a handler that fills it in: both are saved at once, as an editor does with all files.
    writeFileSync(contract, text.replace(/(message HelloReply \{[^}]*)\}/, `$1  string part${turn} = ${turn + 2};\n}`));
    writeFileSync(file, handler.replace('message: `', `part${turn}: 'part ${turn}', message: \``));
    ofContract.push(await answered(call, `part ${turn}`));
  }
  line(`save to answer, a handler (median of ${values.saves})`, median(ofHandler));
  line(`save to answer, a contract and its handler (median of ${values.saves})`, median(ofContract));
}

function commands() {
  const add = ['call', 'CalculatorService/Add', '{"a": 2, "b": 3}'];
  const ways = [
    ['npx rondo ps', 'npx', ['rondo', 'ps']],
    ...(existsSync(path.join(clone, 'rondo')) ? [['./rondo ps', './rondo', ['ps']]] : []),
    ...[['ps'], add, ['pick', 'CalculatorService']].map((args) => [
      `node scripts/rondo.mjs ${args[0]}`,
      process.execPath,
      ['scripts/rondo.mjs', ...args],
    ]),
  ];
  for (const [name, program, args] of ways) {
    const times = Array.from({ length: 5 }, () => timed(() => spawnSync(program, args, { cwd: clone })));
    line(`${name} (median of 5)`, median(times));
  }
}

/** Calls the greeter at its address, as bytes, and resolves to whatever it says. */
function greeter() {
  const grpc = createRequire(path.join(clone, 'packages/rpc/package.json'))('@grpc/grpc-js');
  const options = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 100 };
  const client = new grpc.Client('127.0.0.1:50060', grpc.credentials.createInsecure(), options);
  const ada = Buffer.from([10, 3, ...Buffer.from('Ada')]);
  return () =>
    new Promise((resolve) => {
      const same = (bytes) => bytes;
      const deadline = Date.now() + 1_000;
      client.makeUnaryRequest('/helloworld.Greeter/SayHello', same, same, ada, { deadline }, (error, reply) =>
        resolve(error === null ? reply.toString() : error.message),
      );
    });
}

async function answered(call, words) {
  const savedAt = performance.now();
  await until(async () => (await call()).includes(words));
  return performance.now() - savedAt;
}

async function until(check) {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error('it has not come about in five minutes');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function untilUp(program, args) {
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd: clone, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  await until(async () => {
    if (child.exitCode !== null) throw new Error(said);
    return said.includes('Rondo is up');
  });
  return performance.now() - startedAt;
}

async function stop() {
  const child = children.pop();
  child.kill('SIGINT');
  await new Promise((done) => child.once('close', done));
}

function rondo(...args) {
  return spawn(process.execPath, ['scripts/rondo.mjs', ...args], { cwd: clone, stdio: 'ignore' });
}

function timed(work) {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

/** A code block of the guide of this repository. */
function block(title) {
  const guide = readFileSync(path.join(here, 'docs/guides/add-a-service.md'), 'utf8');
  const [, text = ''] = guide.split(`\n\`\`\`${title}\n`);
  return text.slice(0, text.indexOf('```'));
}
