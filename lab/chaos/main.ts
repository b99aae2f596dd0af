/** The outage table: faults in real processes under load, each with its bound, and with its guard off. */
import { exitOnSignals } from '@rondo/harness';
import { runScenario, type Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { formatControl, formatScenario, formatSkipped, formatTable, isWrong, type Result } from './table.js';

/** Those of `npm run lab -- chaos`, which says what each does. */
interface Options {
  readonly only?: string;
  readonly short: boolean;
  readonly controls: boolean;
  readonly tls: boolean;
  readonly list: boolean;
}

/** Resolves to the exit code: 1 if a bound is missed, or a control finds nothing; 2 if there is no scenario of a name. */
export async function runScenarios(options: Options): Promise<number> {
  exitOnSignals();
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

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}
