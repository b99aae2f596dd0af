/**
 * A believable company with a year behind it, over the services' own contracts: `npm run seed`. Each thing is made under a
 * request id of its own, and every day is counted from that on which the first member was made, so that running it again,
 * on the same day or later, makes nothing twice.
 */
import { build } from './build.mjs';
import { fillIn } from './seed/fill-in.mjs';
import { describe, describeOld } from './seed/summary.mjs';

/** `npm run seed` */
export async function main() {
  if (!(await build())) return 1;
  const { createClient, defaultChannel } = await import('../packages/rpc/dist/client/index.js');
  const { Status } = await import('../packages/rpc/dist/status/index.js');
  const contracts = (file) => import(`../packages/contracts/dist/${file}.js`);
  const channel = defaultChannel();
  const client = async (file, name) => createClient((await contracts(file))[`${name}Definition`], { channel });
  try {
    const { ProjectState } = await contracts('projects/v1/projects');
    const { TaskState } = await contracts('projects/v1/tasks');
    const company = await fillIn({
      team: await client('projects/v1/team', 'TeamService'),
      projects: await client('projects/v1/projects', 'ProjectService'),
      tasks: await client('projects/v1/tasks', 'TaskService'),
      products: await client('sales/v1/products', 'ProductService'),
      customers: await client('sales/v1/customers', 'CustomerService'),
      quotes: await client('sales/v1/quotes', 'QuoteService'),
      orders: await client('sales/v1/orders', 'OrderService'),
      ...{ Status, ProjectState, TaskState },
    });
    console.log(company.isOld ? describeOld(company) : describe(company));
    return 0;
  } catch (error) {
    console.error(`npm run seed: ${error}`);
    return 1;
  } finally {
    channel.close();
  }
}
