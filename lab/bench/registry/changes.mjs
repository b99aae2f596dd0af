// Changes, and how long each takes to reach the last of its watchers. One process makes them and watches, so that one clock
// measures both times.
import { setTimeout as sleep } from 'node:timers/promises';
import { atRate } from '../report/at-rate.mjs';
import { quantiles } from '../report/figures.mjs';
import { instanceId } from './instances.mjs';

/** How long the last changes have to arrive. */
const LAST_MS = 10_000;

/** Matches what watchers receive with the changes that were made. */
export function createChanges() {
  /** By instance: its changes that some watcher hasn't received yet, by number. */
  const pending = new Map();
  const counters = new Map();
  const heard = new WeakMap();
  let latenciesMs = [];

  /** A watcher that receives change n has received all before it: the registry may send several as one. */
  function onUpsert(watcher, { instanceId: id, metadata }) {
    const change = Number(metadata['change'] ?? 0);
    const ofWatcher = heard.get(watcher) ?? heard.set(watcher, new Map()).get(watcher);
    const before = ofWatcher.get(id) ?? 0;
    ofWatcher.set(id, Math.max(before, change));
    const ofInstance = pending.get(id);
    for (let number = before + 1; number <= change; number += 1) {
      const waiting = ofInstance?.get(number);
      if (waiting === undefined) continue;
      waiting.left -= 1;
      if (waiting.left > 0) continue;
      latenciesMs.push(performance.now() - waiting.startedAt);
      ofInstance.delete(number);
    }
  }

  async function change({ leases, watches }, index) {
    const id = instanceId(index);
    const number = (counters.get(id) ?? 0) + 1;
    counters.set(id, number);
    const left = watches.of(index);
    if (left > 0) {
      const ofInstance = pending.get(id) ?? pending.set(id, new Map()).get(id);
      ofInstance.set(number, { left, startedAt: performance.now() });
    }
    await leases.update(index, { change: String(number) });
  }

  /** Makes `perSecond` changes, one service after the other, for `seconds`; resolves when the last has arrived. */
  async function run({ leases, watches, services, perSecond, seconds }) {
    latenciesMs = [];
    pending.clear();
    const tally = { made: 0, failed: 0 };
    const total = perSecond * seconds;
    await atRate(perSecond, total, (index) => {
      change({ leases, watches }, index % services).then(
        () => (tally.made += 1),
        () => (tally.failed += 1),
      );
    });
    const lastAt = performance.now() + LAST_MS;
    while ((missing() > 0 || tally.made + tally.failed < total) && performance.now() < lastAt) await sleep(10);
    return { ...tally, reached: latenciesMs.length, missing: missing(), ...quantiles(latenciesMs) };
  }

  const missing = () => [...pending.values()].reduce((sum, ofInstance) => sum + ofInstance.size, 0);

  return { onUpsert, run };
}
