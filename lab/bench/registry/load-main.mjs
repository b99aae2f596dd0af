// A worker of load: it holds leases, watches and makes changes, as its parent says.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { answerParent } from '@rondo/harness';
import { createChanges } from './changes.mjs';
import { Leases } from './leases.mjs';
import { Watches } from './watches.mjs';

const changes = createChanges();
const delay = monitorEventLoopDelay({ resolution: 5 });
let leases;
let watches;

delay.enable();
answerParent({
  hold(options) {
    leases = new Leases(options);
  },
  watch(options) {
    watches = new Watches(options, changes.onUpsert);
  },
  state: () => ({ registered: leases?.registered() ?? 0, ...(watches?.known() ?? { whole: 0, instances: 0 }) }),
  change: (options) => changes.run({ leases, watches, ...options }),
  setRenewing: (value) => leases.setRenewing(value),
  reconnect: () => leases.reconnect(),
  /** All tallies since they were last taken, and how late this process's own event loop was. */
  take() {
    const lateMs = { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
    delay.reset();
    return { leases: leases?.take(), watches: watches?.take(), lateMs };
  },
});
