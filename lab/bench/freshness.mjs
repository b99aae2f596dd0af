import { createNoopMeter } from '@opentelemetry/api';
import { createCache } from '@rondo/cache';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { startSystem } from './orders/system.mjs';
import { figure, quantiles, show } from './report/figures.mjs';

const PRODUCT = 'products/1';
/** A write has to be seen within this time. Milliseconds. */
const BOUND_MS = 100;
/** When a reader gives up. Milliseconds. */
const MAX_MS = 10_000;

/**
 * How soon a reader whose answers are kept sees a change: a product is changed at one replica of sales, and read without pause by
 * a client that keeps its answers and follows the feed of changes at either. The time is from the answer to the write to the
 * first read that shows it.
 */
export const benchmark = {
  name: 'freshness',
  summary: 'how soon a reader whose answers are kept sees a change that another replica has made',
  options: {
    writes: { type: 'count', default: 300, help: 'how often the product is changed' },
  },
  async run({ writes }, { folder, onClose }) {
    const system = await startSystem({ folder, onClose, nodeArguments: [] });
    (await system.replicas(2)).close();
    await system.stockUp();
    const [, second] = system.addresses();
    const cache = createCache({ clock: systemClock, meter: createNoopMeter(), maxBytes: 1024 * 1024 });
    const clientAt = (addresses, wireMiddleware = []) => {
      const channel = createChannel({ resolver: staticResolver(addresses, { tunnel: true }), wireMiddleware });
      onClose(() => channel.close());
      return { channel, products: createClient(ProductServiceDefinition, { channel }) };
    };
    const { channel, products: reader } = clientAt(system.addresses(), [cache.middleware]);
    cache.attach(channel);
    onClose(() => cache.close());
    const { products: writer } = clientAt([second]);
    const tookMs = [];
    let reads = 0;
    for (let write = 1; write <= writes; write += 1) {
      await reader.getProduct({ name: PRODUCT });
      const title = `Desk ${write}`;
      await writer.updateProduct({ product: { name: PRODUCT, title }, updateMask: ['title'] });
      const writtenAt = performance.now();
      for (;;) {
        reads += 1;
        const seen = await reader.getProduct({ name: PRODUCT });
        if (seen.title === title) break;
        if (performance.now() - writtenAt > MAX_MS) throw new Error(`the change isn't seen after ${MAX_MS} ms`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      tookMs.push(performance.now() - writtenAt);
    }
    const { p50, p99 } = quantiles(tookMs);
    const most = Math.max(...tookMs);
    const late = tookMs.filter((ms) => ms > BOUND_MS).length;
    show(
      `${writes} writes, ${reads} reads: seen after ${figure(p50)} ms, p99 ${figure(p99)}, the latest ${figure(most)}`,
    );
    show(`${late} after more than ${BOUND_MS} ms`);
    return late === 0;
  },
};
