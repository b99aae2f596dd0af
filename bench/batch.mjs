/**
 * What it costs to have a batch evaluated by several calculators: the same batch by one that is by itself and computes
 * all of it, by one that is registered and calls itself, and by three that share it, in turn; then once more by three of
 * which one is killed in the middle. Prints speed, and the calculators' processor time against that of the first. The
 * client's own time is left out. It ends by itself and takes along what it started. Linux alone: it reads /proc.
 *
 * `npm run bench:batch -- --help` tells what it can be told.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startCalculators, usedMs } from './batch/calculators.mjs';
import { figure, table } from './report/table.mjs';

const USAGE = `npm run bench:batch -- [options]
  --rounds N        how often each of them evaluates the batch: 9
  --expressions N   how many expressions it has: 100000
  --profile FOLDER  where the calculators' CPU profiles go; nobody is killed then`;
const values = understand();
const rounds = Number(values.rounds);
const expressions = Array.from({ length: Number(values.expressions) }, (_, index) => expressionOf(index));
/** After so many batches of its own a process is as fast as it becomes. */
const WARM_UP_ROUNDS = 8;
if (!existsSync('/proc/self/schedstat')) throw new Error('npm run bench:batch reads /proc: run it on Linux');

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
const systems = [];
try {
  const nodeArguments = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [];
  const start = async (name, count, registered) =>
    systems.push(await startCalculators({ name, count, registered, folder, nodeArguments }));
  await start('alone', 1, false);
  await start('one', 1, true);
  await start('three', 3, true);
  await compare();
  if (!values.profile) await lose();
} finally {
  for (const { stop } of systems) await stop();
  rmSync(folder, { recursive: true, force: true });
}

/** An order's line: price, quantity, discount. */
function expressionOf(index) {
  return `${(index % 900) + 19}.99 * ${(index % 9) + 1} * (1 - 0.15)`;
}

async function compare() {
  const taken = new Map(systems.map(({ name }) => [name, []]));
  // Each process is to have computed as much as the others before it is measured.
  for (const system of systems) {
    for (let round = 0; round < WARM_UP_ROUNDS * system.nodes.length; round += 1) await evaluate(system);
  }
  for (let round = 0; round < rounds; round += 1) {
    // Each in its turn, and who begins changes.
    for (let turn = 0; turn < systems.length; turn += 1) {
      const system = systems[(round + turn) % systems.length];
      taken.get(system.name).push(await measure(system));
    }
  }
  const alone = taken.get('alone');
  const rows = systems.map(({ name }) => {
    const its = taken.get(name);
    const speed = median(its.map(({ wallMs }, round) => alone[round].wallMs / wallMs));
    const cost = median(its.map(({ cpuMs }, round) => cpuMs / alone[round].cpuMs));
    const wallMs = median(its.map((one) => one.wallMs));
    const cpuMs = median(its.map((one) => one.cpuMs));
    return [
      name,
      figure(wallMs),
      figure((expressions.length / wallMs) * 1000),
      figure(speed),
      figure(cpuMs),
      figure(cost),
    ];
  });
  const head = ['calculators', 'ms', 'expressions/s', 'speed', 'CPU ms', 'CPU'];
  show(
    `${expressions.length} expressions, ${rounds} rounds, medians; ${availableParallelism()} cores, Node ${process.version}`,
  );
  show(table(head, rows));
}

async function measure(system) {
  const usedBefore = usedMs(system);
  const startedAt = performance.now();
  await evaluate(system);
  return { wallMs: performance.now() - startedAt, cpuMs: usedMs(system) - usedBefore };
}

/** Has the batch evaluated; throws where a result is missing or stands in the wrong place. */
async function evaluate({ client }, onPart = () => undefined) {
  const shares = new Map();
  let next = 0;
  for await (const { firstIndex, instance, results } of client.evaluateBatch({ expressions, scale: 2 })) {
    if (firstIndex !== next || instance === '') throw new Error(`a part begins at ${firstIndex} instead of ${next}`);
    if (results.includes('')) throw new Error(`no result at ${firstIndex + results.indexOf('')}`);
    next += results.length;
    shares.set(instance, (shares.get(instance) ?? 0) + results.length);
    onPart(next);
  }
  if (next !== expressions.length) throw new Error(`${next} results of ${expressions.length}`);
  return shares;
}

/** Kills one of three as a third has come. */
async function lose() {
  const three = systems.at(-1);
  const victim = three.nodes[1];
  const startedAt = performance.now();
  let killed = false;
  const shares = await evaluate(three, (count) => {
    if (killed || count < expressions.length / 3) return;
    killed = true;
    victim.child.kill('SIGKILL');
  });
  const wallMs = performance.now() - startedAt;
  const done = [...shares].map(([instance, count]) => `${instance} ${count}`).join(', ');
  show(`${victim.instanceId} killed in the middle: complete and in order in ${figure(wallMs)} ms: ${done}`);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function show(text) {
  process.stdout.write(`${text}\n`);
}

function understand() {
  try {
    const { values: understood } = parseArgs({
      options: {
        rounds: { type: 'string', default: '9' },
        expressions: { type: 'string', default: '100000' },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (!understood.help) return understood;
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`npm run bench:batch: ${error.message.split(/\.\s/)[0]}\n${USAGE}\n`);
    process.exit(2);
  }
}
