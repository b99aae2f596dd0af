/**
 * `npm run seed`: makes a year of data of an invented company, through the contracts of the services. Each resource is made under its
 * own request id. The year ends on the day on which the first member was made, or on the day of `--today`. So running it again, on the
 * same day or later, makes nothing twice.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RpcError } from '@rondo/rpc/status';
import { dayOf, formatDay, parseDay } from './calendar.js';
import { createClients } from './clients.js';
import { fillIn } from './fill-in.js';
import { describe } from './summary.js';

const COMMAND = 'npm run seed';
const USAGE = `${COMMAND} -- [--today YYYY-MM-DD]`;
/** `npm start` writes there where the registry of its system listens. */
const LAUNCHER = new URL('../../../../.rondo/launcher.json', import.meta.url);

try {
  const today = readToday(process.argv.slice(2));
  if (existsSync(LAUNCHER)) process.env['RONDO_REGISTRY'] ||= JSON.parse(readFileSync(LAUNCHER, 'utf8')).registry;
  const clients = createClients();
  const text = await describe(await fillIn(clients, today), clients);
  process.stdout.write(`${text}\n`, () => process.exit(0)); // the clients would keep the process alive
} catch (error) {
  // The text of an RpcError includes its code.
  const message = error instanceof Error && !(error instanceof RpcError) ? error.message : String(error);
  process.stderr.write(`${COMMAND}: ${message}\n`, () => process.exit(1));
}

/** The day of `--today`, if it is given. It can't be in the future, as the services refuse orders of a future day. */
function readToday(args: string[]): number | undefined {
  if (process.env['npm_config_today'] !== undefined)
    throw new Error(`npm took --today for an option of its own; ours come after a "--": ${USAGE}`);
  const { values, positionals } = parseOptions(args);
  if (positionals.length > 0) throw new Error(`"${positionals[0]}" is not expected here: ${USAGE}`);
  const { today } = values;
  if (today === undefined) return undefined;
  const day = parseDay(today);
  if (day === undefined) throw new Error(`--today must be a day such as 2026-11-20; it is "${today}": ${USAGE}`);
  const latest = dayOf(new Date());
  if (day > latest) throw new Error(`--today must not be after today, ${formatDay(latest)} in UTC; it is ${today}`);
  return day;
}

function parseOptions(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: { today: { type: 'string' } } });
  } catch (error) {
    // Only the first sentence: the others explain another use of "--".
    const [reason] = String(error instanceof Error ? error.message : error).split(/\.\s/);
    throw new Error(`${reason}: ${USAGE}`, { cause: error });
  }
}
