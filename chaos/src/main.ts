/** The outage table: faults in real processes under load, each with its bound, and with its guard off. */
import { readOptions, USAGE } from './options.js';
import { perform } from './perform.js';
import type { Row } from './row.js';
import { rows } from './rows/index.js';
import { formatControl, formatRow, formatSkipped, formatTable, isWrong, type Result } from './table.js';

const values = readOptions();

/** Signals end it by way of `exit`, which takes the scene's processes along. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) return print(USAGE);
  if (values.list) return print(rows.map(({ name, fault }) => `${name.padEnd(16)} ${fault}\n`).join(''));
  const names = values.only?.split(',');
  const unknown = names?.filter((name) => !rows.some((row) => row.name === name)) ?? [];
  if (unknown.length > 0) {
    process.stderr.write(`--only: there is no row ${unknown.join(', ')}; --list names them\n`);
    return 2;
  }
  const chosen = rows.filter(({ name, short }) => names?.includes(name) ?? (!values.short || short));
  const results: Result[] = [];
  for (const row of chosen) results.push(await runRow(row));
  print(`\n${formatTable(results)}\n`);
  const wrong = results.filter(isWrong).length;
  print(wrong === 0 ? 'Every bound holds.\n' : `${wrong} of ${results.length} rows came out wrong.\n`);
  return wrong === 0 ? 0 : 1;
}

/** Runs a row, and once more without its guard where that was asked for, telling as it goes. */
async function runRow(row: Row): Promise<Result> {
  const missing = row.missing?.();
  if (missing !== undefined) {
    print(formatSkipped(row, missing));
    return { row, missing };
  }
  const startedAt = performance.now();
  const verdict = await perform(row, { short: values.short, control: false });
  print(formatRow(row, verdict, performance.now() - startedAt));
  if (!values.controls) return { row, verdict };
  const control = await perform(row, { short: values.short, control: true });
  print(formatControl(row, control));
  return { row, verdict, control };
}

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}
