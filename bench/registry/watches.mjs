// Watchers that follow one service each and resume when their stream breaks, as Rondo's clients do.
import { connect } from './connection.mjs';
import { serviceName } from './instances.mjs';

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 3000;

/**
 * Opens `count` watches, spread evenly over services and connections.
 *
 * @param onUpsert told of each instance that a watcher hears of, with the watcher.
 */
export function openWatches({ address, connections, count, services }, onUpsert) {
  const tally = newTally();
  const channels = Array.from({ length: Math.min(connections, count) }, () => connect(address));
  const watchers = Array.from({ length: count }, (_, index) => ({
    service: index % services,
    channel: channels[index % channels.length],
    position: undefined,
    known: new Map(),
    whole: false,
    failures: 0,
    stream: undefined,
  }));
  let closed = false;

  function follow(watcher) {
    if (closed) return;
    const stream = watcher.channel.watch({ service: serviceName(watcher.service), resumeFrom: watcher.position });
    watcher.stream = stream;
    watcher.parts = [];
    stream.on('data', (event) => apply(watcher, event));
    stream.on('error', () => {
      if (closed) return;
      tally.breaks += 1;
      watcher.whole = false;
      setTimeout(follow, Math.random() * Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** watcher.failures++), watcher);
    });
  }

  function apply(watcher, { position, warming, event }) {
    tally.events += 1;
    watcher.failures = 0;
    if (position !== undefined) watcher.position = position;
    if (event?.$case === 'snapshot') applySnapshot(watcher, event.value, warming);
    if (event?.$case === 'delta') applyDelta(watcher, event.value);
    watcher.whole = event?.$case !== 'snapshot' || !event.value.more;
  }

  function applySnapshot(watcher, { instances, more }, warming) {
    watcher.parts.push(...instances);
    if (more) return;
    tally.snapshots += 1;
    if (!warming) watcher.known = new Map();
    for (const instance of watcher.parts) note(watcher, instance);
    watcher.parts = [];
  }

  function applyDelta(watcher, { upserts, removals }) {
    tally.deltas += 1;
    for (const instance of upserts) note(watcher, instance);
    for (const { instanceId } of removals) {
      tally.removals += 1;
      watcher.known.delete(instanceId);
    }
  }

  function note(watcher, instance) {
    watcher.known.set(instance.instanceId, instance.metadata['change']);
    onUpsert(watcher, instance);
  }

  for (const watcher of watchers) follow(watcher);
  return {
    of: (service) => watchers.filter((watcher) => watcher.service === service).length,
    /** How many have heard all there was when they began, and how many instances they know together. */
    known: () => ({
      whole: watchers.filter(({ whole }) => whole).length,
      instances: watchers.reduce((sum, { known }) => sum + known.size, 0),
    }),
    /** For each service watched, what each of its watchers holds: equal where they have converged. */
    changesKnown: () => watchers.map(({ service, known }) => [service, [...known.entries()].sort()]),
    /** The tally since the last time it was taken. */
    take() {
      const { ...counts } = tally;
      Object.assign(tally, newTally());
      return counts;
    },
    close() {
      closed = true;
      for (const { stream } of watchers) stream.cancel();
      for (const channel of channels) channel.close();
    },
  };
}

const newTally = () => ({ events: 0, deltas: 0, snapshots: 0, removals: 0, breaks: 0 });
