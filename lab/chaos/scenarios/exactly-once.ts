import { until } from '@rondo/harness';
import { readLedger } from '../buyer/protocol.js';
import type { Scenario, ScenarioContext } from '../scenario.js';
import { type Buyer, type Sales, STOCK, startSales } from '../testbed/sales.js';
import type { Verdict } from '../verdict.js';

const ORDERS = 1_000;
const TIMEOUT_MS = 180_000;

/** By its `request_id` an order is placed once, whatever reply is lost and whatever process dies. */
export const exactlyOnce: Scenario = {
  name: 'exactly-once',
  fault:
    '1,000 PlaceOrders, one reply in three lost; the caller, both replicas of sales and the database killed meanwhile',
  bound: 'exactly 1,000 orders, and as much stock taken',
  control: 'the orders have no request_id',
  run: (context) => placeOrders(context, { byAgent: false }),
};

/** The same for agents, who call the gateway's tools: an agent gives the key, and repeats it. */
export const agentOrders: Scenario = {
  name: 'agent-orders',
  fault:
    '1,000 orders by the tool place_order, one reply in three lost; the agent, both replicas of sales, the database and the gateway killed meanwhile',
  bound: 'exactly 1,000 orders, and as much stock taken',
  control: 'the agent makes another key for each try',
  run: (context) => placeOrders(context, { byAgent: true }),
};

/** Kills each process at another point of the work, the buyer twice. */
async function placeOrders({ testbed, verdict, control }: ScenarioContext, { byAgent }: { readonly byAgent: boolean }) {
  const sales = await startSales(testbed);
  const gateways = byAgent ? [await sales.startGateway()] : [];
  const buyer = sales.startBuyer({ orders: ORDERS, withIds: !control, agentsUrl: gateways[0]?.agentsUrl });
  const victims = [buyer, ...sales.replicas, sales.postgres, ...gateways, buyer];
  for (const [index, victim] of victims.entries()) {
    await untilPlaced(Math.round(((index + 1) / (victims.length + 1)) * ORDERS), sales, buyer);
    await victim.restart('SIGKILL');
  }
  await untilPlaced(ORDERS, sales, buyer);
  await judge(sales, verdict);
}

async function untilPlaced(count: number, { ledger }: Sales, buyer: Buyer): Promise<void> {
  await until(
    () => {
      if (readLedger(ledger).placed.size >= count) return true;
      return buyer.hasEnded ? true : undefined;
    },
    { what: `${count} orders were answered`, timeoutMs: TIMEOUT_MS },
  );
  const { size } = readLedger(ledger).placed;
  if (size < count) throw new Error(`the buyer ended after ${size} orders: ${buyer.errors()}`);
}

async function judge({ ledger, database }: Sales, verdict: Verdict): Promise<void> {
  const { placed, lost } = readLedger(ledger);
  const { orders, left } = await database.one<{ orders: number; left: bigint }>(
    'SELECT (SELECT count(*)::int FROM orders) AS orders, (SELECT stock FROM products) AS left',
  );
  const names = new Set(placed.values()).size;
  verdict.check(`${lost} replies lost`, lost > 0);
  verdict.check(`${placed.size} calls answered, with ${names} different orders`, names === ORDERS);
  verdict.check(`${orders} orders in the database`, orders === ORDERS);
  verdict.check(`${STOCK - left} taken from the stock`, STOCK - left === BigInt(ORDERS));
}
