/** Runs the simulation of registry, instances and clients under random faults, with the built packages. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { build, root } from '@rondo/tool/workspace';
import { readOptions } from './options.mjs';

const command = {
  name: 'sim',
  summary: 'registry, instances and clients under random faults; exit code 1 if a guarantee was violated',
  options: {
    seeds: { type: 'count', default: 1_000, help: 'how many seeds are run' },
    from: { type: 'count', default: 1, help: 'the first seed' },
    seed: { type: 'count', help: 'run only this seed' },
    trace: { type: 'flag', help: 'print every event of the seed' },
    workers: { type: 'count', default: availableParallelism(), help: 'the number of processes' },
  },
  check: ({ seed, seeds, trace }) =>
    trace && seed === undefined && seeds > 1 ? '--trace prints one seed, which --seed names' : undefined,
};
const folder = path.join(root, 'lab/sim');
/** The bundle is written next to the source, so that packages are resolved as for it. */
const program = path.join(folder, '.built/main.mjs');
const PROGRESS_MS = 5_000;

/** @param {string[]} args */
export async function main(args) {
  const options = readOptions(args, command);
  if (typeof options === 'number') return options;
  if (!(await build())) return 1;
  await bundle();
  const { seed, seeds, from, workers, trace } = options;
  const count = seed === undefined ? seeds : 1;
  return runAll({ from: seed ?? from, count, workers: Math.min(count, workers), trace });
}

/** Bundles the simulation, as the build doesn't compile tests. Packages stay external. */
async function bundle() {
  const esbuild = await import('esbuild');
  await esbuild.build({
    entryPoints: [path.join(folder, 'main.ts')],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

/** @param {{ from: number, count: number, workers: number, trace: boolean }} options */
async function runAll({ from, count, workers, trace }) {
  const tally = { begun: 0, done: 0, calls: 0, failed: [] };
  const startedAt = performance.now();
  const progress = setInterval(() => report(tally, count, startedAt), PROGRESS_MS);
  const next = () => (tally.begun < count ? { seed: from + tally.begun++, trace } : undefined);
  const ended = await Promise.all(Array.from({ length: workers }, () => work(next, tally)));
  clearInterval(progress);
  report(tally, count, startedAt);
  const broken = ended.filter((code) => code !== 0);
  if (broken.length > 0) console.error(`${broken.length} of ${workers} workers ended with ${broken.join(', ')}`);
  return tally.failed.length === 0 && broken.length === 0 ? verdict(tally) : failures(tally);
}

/** Runs one worker process, which takes seeds until none is left. */
function work(next, tally) {
  return new Promise((resolve) => {
    const child = fork(program, { execArgv: ['--enable-source-maps'] });
    const order = () => {
      const seed = next();
      if (seed === undefined) child.disconnect();
      else child.send(seed);
    };
    child.on('message', ({ seed, violation, calls }) => {
      tally.done += 1;
      tally.calls += calls;
      if (violation !== undefined) fail(tally, seed, violation);
      order();
    });
    child.on('exit', (code, signal) => resolve(code ?? signal));
    order();
  });
}

function fail(tally, seed, violation) {
  tally.failed.push(seed);
  console.error(`\nseed ${seed}: ${violation}\n  replay: npm run lab -- sim --seed ${seed} --trace\n`);
}

function report({ done, failed }, count, startedAt) {
  const seconds = (performance.now() - startedAt) / 1000;
  const rate = (done / seconds).toFixed(1);
  console.log(`${done} of ${count} seeds, ${failed.length} failed, ${rate}/s, ${Math.round(seconds)} s`);
}

function verdict({ done, calls }) {
  console.log(`${done} seeds clean, ${calls} calls`);
  return 0;
}

function failures({ failed }) {
  const seeds = failed.sort((one, other) => one - other);
  console.error(`${seeds.length} seeds failed: ${seeds.slice(0, 50).join(' ')}`);
  if (seeds[0] !== undefined) console.error(`replay: npm run lab -- sim --seed ${seeds[0]} --trace`);
  return 1;
}
