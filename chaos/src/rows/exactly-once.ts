import { readLedger } from '../buyer/ledger.js';
import type { Row } from '../row.js';
import { type Buyer, openShop, type Shop, STOCK } from '../scene/shop.js';
import { until } from '../time.js';
import type { Verdict } from '../verdict.js';

const ORDERS = 1_000;
const TIMEOUT_MS = 180_000;

/** A side effect happens once, whatever is lost and whoever dies: by its `request_id`. */
export const exactlyOnce: Row = {
  name: 'exactly-once',
  fault:
    '1,000 PlaceOrders, one reply in three lost; the caller, both replicas of sales and the database killed meanwhile',
  bound: 'exactly 1,000 orders, and as much stock taken',
  control: 'the orders have no request_id',
  async run({ scene, verdict, control }) {
    const shop = await openShop(scene);
    const buyer = shop.startBuyer({ orders: ORDERS, withIds: !control });
    await killInTurn(shop, buyer);
    await untilPlaced(ORDERS, shop, buyer);
    await judge(shop, verdict);
  },
};

/** Each of them at another point of the work, the caller more than once. */
async function killInTurn(shop: Shop, buyer: Buyer): Promise<void> {
  const victims = [buyer, ...shop.replicas, shop.postgres, buyer];
  for (const [index, victim] of victims.entries()) {
    await untilPlaced(Math.round(((index + 1) / (victims.length + 1)) * ORDERS), shop, buyer);
    await victim.killAndRestart();
  }
}

async function untilPlaced(count: number, { ledger }: Shop, buyer: Buyer): Promise<void> {
  await until(
    () => {
      if (readLedger(ledger).placed.size >= count) return true;
      return buyer.ended ? true : undefined;
    },
    { what: `${count} orders were answered`, timeoutMs: TIMEOUT_MS },
  );
  const { size } = readLedger(ledger).placed;
  if (size < count) throw new Error(`the caller ended after ${size} orders: ${buyer.output()}`);
}

async function judge({ ledger, postgres: { database } }: Shop, verdict: Verdict): Promise<void> {
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
