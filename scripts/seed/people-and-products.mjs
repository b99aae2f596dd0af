/** The team, the catalogue and the customers: each once, and found again where it is there already. */

import { inTurn } from '../concurrency.mjs';
import { dayOf } from './calendar.mjs';
import { CUSTOMERS, MEMBERS, PRODUCTS } from './company.mjs';
import { requestId } from './random.mjs';

/**
 * Makes the team, still without capacity: `planCapacity` gives it that. `foundedOn` is the day on which its first member was
 * made: all that follows is relative to it.
 */
export async function makeTeam({ team, Status }) {
  const make = (planned) => {
    const member = { ...planned, weeklyCapacityMinutes: 0n };
    return createOrFind(Status, {
      create: () => team.createMember({ member, requestId: requestId(member.email) }),
      find: async () => (await team.listMembers({ filter: `email = "${member.email}"`, showDeleted: true })).members,
    });
  };
  const first = await make(MEMBERS[0]);
  return { members: [first, ...(await inTurn(MEMBERS.slice(1), make))], foundedOn: dayOf(first.createTime) };
}

/** Gives members, as they were made, the capacity that they are to have, unless somebody has changed them since. */
export async function planCapacity({ team, Status }, members) {
  await inTurn(members, async ({ name, etag, weeklyCapacityMinutes: present }, index) => {
    if (present > 0n) return;
    const member = { name, etag, weeklyCapacityMinutes: MEMBERS[index].weeklyCapacityMinutes };
    await team.updateMember({ member, updateMask: ['weekly_capacity_minutes'] }).catch((error) => {
      if (error.code !== Status.ABORTED) throw error;
    });
  });
}

/** Makes the catalogue, by SKU. */
export async function makeProducts({ products, Status }) {
  const made = await inTurn(PRODUCTS, (product) =>
    createOrFind(Status, {
      create: () => products.createProduct({ product, requestId: requestId(product.sku) }),
      find: async () => (await products.listProducts({ filter: `sku = "${product.sku}"` })).products,
    }),
  );
  return new Map(made.map((product) => [product.sku, product]));
}

/** Makes the customers, in their order. */
export function makeCustomers({ customers, Status }) {
  return inTurn(CUSTOMERS, ({ customer }) =>
    createOrFind(Status, {
      create: () => customers.createCustomer({ customer, requestId: requestId(customer.email) }),
      find: async () => (await customers.listCustomers({ filter: `email = "${customer.email}"` })).customers,
    }),
  );
}

/** Somebody may have made it otherwise: then that one is taken. */
async function createOrFind(Status, { create, find }) {
  try {
    return await create();
  } catch (error) {
    if (error.code !== Status.ALREADY_EXISTS) throw error;
    const [found] = await find();
    if (found === undefined) throw error;
    return found;
  }
}
