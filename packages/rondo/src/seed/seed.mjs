/**
 * Makes a year of data of an invented company, through the contracts of the services: `npm run seed [-- --today YYYY-MM-DD]`.
 * Each resource is made under its own request id. The year ends on the day on which the first member was made, or on the day of
 * `--today`. So running it again, on the same day or later, makes nothing twice.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from '../build/build.js';
import { findSystem } from '../doctor/system.mjs';
import { DEFAULTS } from '../launch/options.js';
import { namedOptions } from '../workspace/options.js';
import { root } from '../workspace/paths.js';
import { dayOf, formatDay, parseDay } from './calendar.mjs';
import { fillIn } from './fill-in.mjs';
import { describe, describeOld } from './summary.mjs';

const USAGE = 'npm run seed [-- --today YYYY-MM-DD]';

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code.
 */
export async function main(args) {
  try {
    const today = readToday(args);
    if (!existsSync(path.join(root, 'proto/sales'))) throw new Error('it fills the samples, which this app has not');
    await findRegistry();
    return (await build()) ? await seed(today) : 1;
  } catch (error) {
    // The text of an RpcError includes its code.
    console.error(`npm run seed: ${error.code === undefined ? error.message : error}`);
    return 1;
  }
}

/** The day of `--today`, if it is given. It can't be in the future, as the services refuse orders of a future day. */
function readToday(args) {
  const { today } = namedOptions(args, ['today'], USAGE);
  if (today === undefined) return undefined;
  const day = parseDay(today);
  if (day === undefined) throw new Error(`--today must be a day such as 2026-11-20; it is "${today}": ${USAGE}`);
  const latest = dayOf(new Date());
  if (day > latest) throw new Error(`--today must not be after today, ${formatDay(latest)} in UTC; it is ${today}`);
  return day;
}

/** Calls the system that runs on the default folder, unless the user names another registry. */
async function findRegistry() {
  const { launcher, portBase } = await findSystem(DEFAULTS.data);
  if (launcher !== undefined) process.env.RONDO_REGISTRY ||= `127.0.0.1:${portBase}`;
}

async function seed(today) {
  const { createClient } = await import('@rondo/rpc/client');
  const { defaultChannel } = await import('@rondo/rpc/internal');
  const { Status } = await import('@rondo/rpc/status');
  const contracts = (file) => import(pathToFileURL(path.join(root, `packages/contracts/dist/${file}.js`)));
  const channel = defaultChannel();
  const client = async (file, name) => createClient((await contracts(file))[`${name}Definition`], { channel });
  try {
    const { ProjectState } = await contracts('projects/v1/projects');
    const { TaskState } = await contracts('projects/v1/tasks');
    const clients = {
      team: await client('projects/v1/team', 'TeamService'),
      projects: await client('projects/v1/projects', 'ProjectService'),
      tasks: await client('projects/v1/tasks', 'TaskService'),
      products: await client('sales/v1/products', 'ProductService'),
      customers: await client('sales/v1/customers', 'CustomerService'),
      quotes: await client('sales/v1/quotes', 'QuoteService'),
      orders: await client('sales/v1/orders', 'OrderService'),
      ...{ Status, ProjectState, TaskState },
    };
    const company = await fillIn(clients, today);
    console.log(company.isOld ? describeOld(company) : describe(company));
    return 0;
  } finally {
    channel.close();
  }
}
