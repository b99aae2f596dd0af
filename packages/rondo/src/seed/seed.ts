/**
 * Makes a year of data of an invented company, through the contracts of the services: `npm run seed`. Each resource is made under
 * its own request id. The year ends on the day on which the first member was made, or on the day of `--today`. So running it again,
 * on the same day or later, makes nothing twice.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from '../build/build.js';
import { tasks } from '../commands/tasks.js';
import { findSystem } from '../doctor/system.js';
import { DEFAULTS, usageOf } from '../launch/options.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { onlyOptions } from '../workspace/options.js';
import { root } from '../workspace/paths.js';
import { dayOf, formatDay, parseDay } from './calendar.js';
import type { Clients } from './clients.js';
import { fillIn } from './fill-in.js';
import { describe } from './summary.js';

const COMMAND = 'npm run seed';

/** Resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const today = readToday(args);
    if (!existsSync(path.join(root, 'proto/sales'))) throw new Error('it fills the samples, which this app has not');
    // The system on the default folder, unless the user names another registry.
    const { launcher, portBase } = await findSystem(DEFAULTS.data);
    if (launcher !== undefined) process.env.RONDO_REGISTRY ||= `127.0.0.1:${portBase}`;
    if (!(await build())) return 1;
    await seed(today);
    return 0;
  } catch (error) {
    const isOfCall = typeof error === 'object' && error !== null && 'codeName' in error;
    console.error(`${COMMAND}: ${isOfCall ? String(error) : messageOf(error)}`); // the text of an RpcError includes its code
    return 1;
  }
}

/** The day of `--today`, if it is given. It can't be in the future, as the services refuse orders of a future day. */
function readToday(args: readonly string[]): number | undefined {
  const usage = usageOf(COMMAND, 'seed');
  const { today } = onlyOptions(args, tasks.seed.options, usage);
  if (today === undefined) return undefined;
  const day = parseDay(today);
  if (day === undefined) throw new Error(`--today must be a day such as 2026-11-20; it is "${today}": ${usage}`);
  const latest = dayOf(new Date());
  if (day > latest) throw new Error(`--today must not be after today, ${formatDay(latest)} in UTC; it is ${today}`);
  return day;
}

async function seed(today: number | undefined): Promise<void> {
  const { createClient } = await import('@rondo/rpc/client');
  const { defaultChannel } = await import('@rondo/rpc/internal');
  const { balancing: policies } = await import('@rondo/balancing');
  const channel = defaultChannel({ policies });
  const contract = (file: string) => import(pathToFileURL(path.join(root, `packages/contracts/dist/${file}.js`)).href);
  // The types of a module that is imported by its path aren't known.
  const client = async <Service>(file: string, name: string) =>
    createClient((await contract(file))[`${name}Definition`], { channel }) as Service;
  try {
    const clients: Clients = {
      team: await client('projects/v1/team', 'TeamService'),
      projects: await client('projects/v1/projects', 'ProjectService'),
      tasks: await client('projects/v1/tasks', 'TaskService'),
      products: await client('sales/v1/products', 'ProductService'),
      customers: await client('sales/v1/customers', 'CustomerService'),
      quotes: await client('sales/v1/quotes', 'QuoteService'),
      orders: await client('sales/v1/orders', 'OrderService'),
      projectStates: (await contract('projects/v1/projects')).ProjectState,
      taskStates: (await contract('projects/v1/tasks')).TaskState,
    };
    console.log(await describe(await fillIn(clients, today), clients));
  } finally {
    channel.close();
  }
}
