/** Makes the team, the catalogue and the customers, or finds those that exist. */

import { mapConcurrently } from '../workspace/concurrency.js';
import { dayOf } from './calendar.mjs';
import { CUSTOMERS, MEMBERS, PRODUCTS } from './company.mjs';
import { requestId } from './random.mjs';

/**
 * Makes the team without capacity, which `planCapacity` sets later. `foundedOn` is the day on which the first member was made; the
 * year ends on it by default.
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
  return { members: [first, ...(await mapConcurrently(MEMBERS.slice(1), make))], foundedOn: dayOf(first.createTime) };
}

/** Sets the capacity of members, unless a member has been changed since it was made. */
export async function planCapacity({ team, Status }, members) {
  await mapConcurrently(members, async ({ name, etag, weeklyCapacityMinutes: present }, index) => {
    if (present > 0n) return;
    const member = { name, etag, weeklyCapacityMinutes: MEMBERS[index].weeklyCapacityMinutes };
    await team.updateMember({ member, updateMask: ['weekly_capacity_minutes'] }).catch((error) => {
      if (error.code !== Status.ABORTED) throw error;
    });
  });
}

/** Makes the catalogue, and returns it by SKU. */
export async function makeProducts({ products, Status }) {
  const made = await mapConcurrently(PRODUCTS, (product) =>
    createOrFind(Status, {
      create: () => products.createProduct({ product, requestId: requestId(product.sku) }),
      find: async () => (await products.listProducts({ filter: `sku = "${product.sku}"` })).products,
    }),
  );
  return new Map(made.map((product) => [product.sku, product]));
}

/** Makes the customers, and returns them in their order. */
export function makeCustomers({ customers, Status }) {
  return mapConcurrently(CUSTOMERS, ({ customer }) =>
    createOrFind(Status, {
      create: () => customers.createCustomer({ customer, requestId: requestId(customer.email) }),
      find: async () => (await customers.listCustomers({ filter: `email = "${customer.email}"` })).customers,
    }),
  );
}

/** Makes a resource. If another one has its unique field, returns that one. */
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
