import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, start, until } from '@rondo/harness';
import { median, show } from './report/figures.mjs';

const TIMEOUT_MS = 300_000;
const HANDLER = 'services/greeter/src/greeter.ts';
/** The first port that `rondo new` gives to a service. */
const ADDRESS = '127.0.0.1:50060';

/**
 * How long a newcomer waits: from git clone to the first edited handler that answers, and from a save to its answer. It is for a
 * quiet machine, and nothing may run on the default ports. Packages come from npm's cache if they are there.
 */
export const benchmark = {
  name: 'first-hour',
  summary: 'from git clone to the first answer, and from a save to its answer',
  options: {
    of: { type: 'text', value: 'DIR', help: 'another clone of the repository, such as one of an earlier version' },
    saves: { type: 'count', default: 7, help: 'how often a file is saved' },
  },
  async run({ of = root, saves }, { folder, onClose }) {
    const clone = path.join(folder, 'rondo');
    const startedAt = performance.now();
    report('git clone', timed('git', ['clone', '--quiet', '--no-hardlinks', of, clone]));
    report('npm start, to "Rondo is up" (installs, generates, builds)', await startAndStop(clone, onClose));
    report('rondo dev, to "Rondo is up"', (await launch(clone, { command: DEV, onClose })).tookMs);
    const call = greeter(clone);
    await makeGreeter({ clone, folder, call });
    report('all of it, to the first answer of an edited handler', performance.now() - startedAt);
    await measureSaves(clone, { call, saves });
    // rondo is bundled once nothing has been saved for three seconds.
    await sleep(6_000);
    measureCommands(clone);
  },
};

const DEV = [process.execPath, 'scripts/rondo.mjs', 'dev'];

async function startAndStop(clone, onClose) {
  const { launcher, tookMs } = await launch(clone, { command: ['npm', 'start'], onClose });
  await launcher.stop('SIGINT');
  return tookMs;
}

async function launch(clone, { command: [program, ...args], onClose }) {
  const startedAt = performance.now();
  const launcher = start(program, args, { cwd: clone });
  onClose(() => launcher.stop('SIGINT'));
  const isUp = () => {
    if (launcher.hasEnded) throw new Error(JSON.stringify(launcher.output()));
    return launcher.output().stdout.includes('Rondo is up') || undefined;
  };
  await until(isUp, { what: 'Rondo is up', timeoutMs: TIMEOUT_MS });
  return { launcher, tookMs: performance.now() - startedAt };
}

/** Makes the guide's first service, and writes its handler. */
async function makeGreeter({ clone, folder, call }) {
  const proto = path.join(folder, 'helloworld.proto');
  writeFileSync(proto, blockOf('proto helloworld.proto'));
  const madeAt = performance.now();
  const args = ['scripts/rondo.mjs', 'new', 'service', 'greeter', '--proto', proto, '--start'];
  const making = start(process.execPath, args, { cwd: clone });
  await answers(call, "isn't written yet");
  report('rondo new service --start, to the first call that is served', performance.now() - madeAt);
  await making.ended;
  report('rondo new service --start, to its end', performance.now() - madeAt);
  writeFileSync(path.join(clone, HANDLER), blockOf(`ts ${HANDLER}`));
  await answers(call, 'Hello Ada');
}

async function measureSaves(clone, { call, saves }) {
  const file = path.join(clone, HANDLER);
  const handler = readFileSync(file, 'utf8');
  const contract = path.join(clone, 'proto/helloworld/helloworld.proto');
  const text = readFileSync(contract, 'utf8');
  const ofHandler = [];
  const ofContract = [];
  for (let turn = 0; turn < saves; turn += 1) {
    writeFileSync(file, handler.replace('Hello ', `Hello ${turn} `));
    ofHandler.push(await answers(call, `Hello ${turn} Ada`));
    // A new field, and a handler that fills it in: both are saved at once, as an editor does with all files.
    writeFileSync(contract, text.replace(/(message HelloReply \{[^}]*)\}/, `$1  string part${turn} = ${turn + 2};\n}`));
    writeFileSync(file, handler.replace('message: `', `part${turn}: 'part ${turn}', message: \``));
    ofContract.push(await answers(call, `part ${turn}`));
  }
  report(`save to answer, a handler (median of ${saves})`, median(ofHandler));
  report(`save to answer, a contract and its handler (median of ${saves})`, median(ofContract));
}

function measureCommands(clone) {
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
    const times = Array.from({ length: 5 }, () => timed(program, args, clone));
    report(`${name} (median of 5)`, median(times));
  }
}

/** Calls the greeter at its address with bytes; the call resolves to the reply or the error as text. */
function greeter(clone) {
  const grpc = createRequire(path.join(clone, 'packages/rpc/package.json'))('@grpc/grpc-js');
  const options = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 100 };
  const client = new grpc.Client(ADDRESS, grpc.credentials.createInsecure(), options);
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

/** Waits until the greeter's answer has some words; gives how long that took. */
async function answers(call, words) {
  const savedAt = performance.now();
  const has = async () => (await call()).includes(words) || undefined;
  await until(has, { what: `the greeter answers "${words}"`, timeoutMs: TIMEOUT_MS });
  return performance.now() - savedAt;
}

/** The time of a program from its start to its end. It holds this process up, so that nothing else is measured. */
function timed(program, args, cwd) {
  const startedAt = performance.now();
  spawnSync(program, args, { cwd });
  return performance.now() - startedAt;
}

/** A code block of this repository's guide. */
function blockOf(title) {
  const guide = readFileSync(path.join(root, 'docs/guides/add-a-service.md'), 'utf8');
  const [, text = ''] = guide.split(`\n\`\`\`${title}\n`);
  return text.slice(0, text.indexOf('```'));
}

function report(what, ms) {
  show(`${what.padEnd(64)} ${(ms / 1000).toFixed(2).padStart(7)} s`);
}
