/** `npm run lab` lists what proves Rondo, and `npm run lab -- NAME [options]` runs one of it: a task, or a benchmark. */
import path from 'node:path';
import { build, root, run } from '@rondo/tool/workspace';

/** By name, which is that of the file: what it does, and what it needs besides Node. */
const TASKS = {
  chaos: 'the outage table over real processes; --short for a minute of it',
  sim: 'registry, instances and clients under random faults, from seeds',
  registries:
    'clients of ZooKeeper, Consul and Eureka in Java, Python and JavaScript, next to Rondo (needs those, Maven, Go)',
  foreign: 'contracts of well-known projects, each through `rondo new service` (needs grpcurl)',
  mcp: 'the conformance suite of the Model Context Protocol, against a gateway that runs',
  calendar: 'the tests that read a calendar, on each weekday and special day (needs libfaketime)',
  survey: 'files, lines, names and dependencies by part; --call lists the functions of a unary call',
  guarantees: 'whether each row of guarantees.json names a test that exists',
  budget: 'lowers budget.json to what the survey counts; --check compares',
  audit: 'licences of all packages, and what their registry knows against them',
  xds: "unmodified gRPC clients over the registry's xDS: --part, --guide (needs Go, Python, Maven)",
  pack: 'the packages as a registry takes them: npm run pack',
  create: "an app of one's own, with the packages of this clone: npm run create",
  screens: 'pictures of all pages of a console that runs: light and dark, wide and narrow (needs Chromium)',
};

export async function main([name, ...args]) {
  if (name === 'create') return (await import('./pack.mjs')).create(args);
  if (Object.hasOwn(TASKS, name ?? '')) {
    const task = await import(`./${name}.mjs`);
    try {
      return await task.main(args);
    } catch (error) {
      if (!(error.cause ?? error).code?.startsWith('ERR_PARSE_ARGS')) throw error;
      if (!args.includes('--help')) console.error(error.message);
      console.log(`npm run lab -- ${name}: ${TASKS[name]}\nlab/${name}.mjs says more.`);
      return args.includes('--help') ? 0 : 2;
    }
  }
  if (!(await build())) return 1;
  if (name === undefined) {
    const lines = Object.entries(TASKS).map(([task, summary]) => `  ${task.padEnd(13)}${summary}`);
    console.log(`npm run lab -- NAME [options]; npm run lab -- NAME --help\n\n${lines.join('\n')}\n\nBenchmarks:`);
  }
  const benchmark = name === undefined ? args : [name, ...args];
  return (await run(process.execPath, [path.join(root, 'lab/bench/main.mjs'), ...benchmark], { show: true })).code;
}
