/** Runs the simulation of registry, instances and clients under random faults, with the built packages. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from '@rondo/tool/workspace';
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
/** The bundle is written next to the source, so that packages are resolved as for it. */
const program = new URL('./sim/.built/main.mjs', import.meta.url);
const PROGRESS_MS = 5_000;

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
    entryPoints: [fileURLToPath(new URL('./sim/main.ts', import.meta.url))],
    outfile: fileURLToPath(program),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

async function runAll({ from, count, workers, trace }) {
  const { startWorker } = await import('@rondo/harness');
  const failed = [];
  let [begun, done, calls] = [0, 0, 0];
  const startedAt = performance.now();
  const report = () => {
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = (done / seconds).toFixed(1);
    console.log(`${done} of ${count} seeds, ${failed.length} failed, ${rate}/s, ${Math.round(seconds)} s`);
  };
  /** Takes seeds until none is left. */
  const work = async () => {
    const worker = startWorker(program, { env: { NODE_OPTIONS: '--enable-source-maps' } });
    while (begun < count) {
      const seed = from + begun++;
      const outcome = await worker.ask('run', { seed, trace });
      done += 1;
      calls += outcome.calls;
      if (outcome.violation === undefined) continue;
      failed.push(seed);
      console.error(`\nseed ${seed}: ${outcome.violation}\n  replay: npm run lab -- sim --seed ${seed} --trace\n`);
    }
    await worker.close();
  };
  const progress = setInterval(report, PROGRESS_MS);
  const ended = await Promise.allSettled(Array.from({ length: workers }, work));
  clearInterval(progress);
  report();
  for (const { reason } of ended) if (reason !== undefined) console.error(reason.message);
  const seeds = failed.sort((one, other) => one - other);
  const holds = seeds.length === 0 && done === count;
  if (holds) console.log(`${done} seeds clean, ${calls} calls`);
  else console.error(`${seeds.length} seeds failed: ${seeds.slice(0, 50).join(' ')}`);
  return holds ? 0 : 1;
}
