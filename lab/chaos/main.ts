/** The outage table: faults in real processes under load, each with its bound, and with its guard off. */
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@rondo/harness';
import { runScenario, type Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { formatControl, formatScenario, formatSkipped, formatTable, isWrong, type Result } from './table.js';

/** Printed by `--help`, and if the command line isn't understood. */
const USAGE = `npm run lab -- chaos [--only NAME[,NAME…]] [--short] [--controls] [--tls] [--list]

  --only      these scenarios alone
  --short     three scenarios, faults of seconds, 100 calls a second: what CI runs
  --controls  each scenario once more with its guard off: that run has to show failures
  --tls       mutual TLS between all processes, also PostgreSQL and etcd
  --list      what there is
`;

const parse = () =>
  parseArgs({
    options: {
      only: { type: 'string' },
      short: { type: 'boolean', default: false },
      controls: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;

type Options = ReturnType<typeof parse>;

exitOnSignals();
process.exitCode = await main(readOptions());

async function main(options: Options): Promise<number> {
  if (options.help) return print(USAGE);
  if (options.list) return print(scenarios.map(({ name, fault }) => `${name.padEnd(16)} ${fault}\n`).join(''));
  const names = options.only?.split(',');
  const unknown = names?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0) {
    process.stderr.write(`--only: there is no scenario ${unknown.join(', ')}; --list names them\n`);
    return 2;
  }
  const chosen = scenarios.filter(({ name, short }) => names?.includes(name) ?? (!options.short || short));
  const results: Result[] = [];
  for (const scenario of chosen) results.push(await runAndPrint(scenario, options));
  print(`\n${formatTable(results)}\n`);
  const wrong = results.filter(isWrong).length;
  const how = options.tls ? ', with mutual TLS between all processes' : '';
  print(wrong === 0 ? `Every bound holds${how}.\n` : `${wrong} of ${results.length} scenarios came out wrong.\n`);
  return wrong === 0 ? 0 : 1;
}

/** Runs a scenario, and once more without its guard if that is asked for. Prints each result at once. */
async function runAndPrint(scenario: Scenario, { short, controls, tls }: Options): Promise<Result> {
  const missing = scenario.missing?.();
  if (missing !== undefined) {
    print(formatSkipped(scenario, missing));
    return { scenario, missing };
  }
  const startedAt = performance.now();
  const verdict = await runScenario(scenario, { short, tls, control: false });
  print(formatScenario(scenario, verdict, performance.now() - startedAt));
  if (!controls) return { scenario, verdict };
  const control = await runScenario(scenario, { short, tls, control: true });
  print(formatControl(scenario, control));
  return { scenario, verdict, control };
}

/** Ends the process with exit code 2 and the reason if the command line isn't understood. */
function readOptions(): Options {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`npm run lab -- chaos: ${(error as Error).message.split(/\.\s/)[0]}\n\n${USAGE}`);
    process.exit(2);
  }
}

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}
