/** An adder in a process of its own. It refuses a negative `b`; for 99 as `a` it waits until its caller leaves. */
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { implement } from '@rondo/rpc/server';
import { invalidArgument } from '@rondo/rpc/status';
import { runService } from '@rondo/service';

const adder = implement(AdderServiceDefinition, {
  async add({ a, b }, { signal }) {
    if (b < 0n) throw invalidArgument([{ field: 'b', description: 'must not be negative' }]);
    if (a === 99n) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return { result: a + b };
  },
});

await runService({ name: 'adder', port: 0, createApp: () => ({ services: [adder] }) });
