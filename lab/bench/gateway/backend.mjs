// The service behind the gateway, as `runService` runs one: a calculator that doesn't compute, and endless streams of orders.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { createMemoryOutcomes } from '@rondo/rpc/internal/testing';
import { standIn } from '@rondo/rpc/testing';
import { runService } from '@rondo/service';

/** How long a stream of orders rests between two messages. */
const REST_MS = 1_000;

const calculator = standIn(CalculatorServiceDefinition, {
  add: ({ a, b }) => ({ result: a + b }),
  evaluate: ({ expression }) => ({ result: { value: expression } }),
});

const orders = standIn(OrderServiceDefinition, {
  async *watchOrders(_request, { signal }) {
    for (let count = 1; ; count += 1) {
      yield { event: { $case: 'snapshot', value: { orders: [] } }, resumeToken: String(count) };
      await sleep(systemClock, REST_MS, signal);
    }
  },
});

await runService({
  name: 'backend',
  port: 50098,
  createApp: () => ({ services: [calculator, orders], outcomes: createMemoryOutcomes() }),
});
