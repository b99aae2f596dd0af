// Watchers of one service each, which resume when their stream breaks, as Rondo's clients do.
import { connect } from './connection.mjs';
import { serviceName } from './instances.mjs';

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 3000;

export class Watches {
  #onUpsert;
  #watchers;
  #events = 0;

  /**
   * Opens `count` watches, spread evenly over services and connections.
   *
   * @param onUpsert called with the watcher and each instance that it receives.
   */
  constructor({ address, connections, count, services }, onUpsert) {
    this.#onUpsert = onUpsert;
    const channels = Array.from({ length: Math.min(connections, count) }, () => connect(address));
    this.#watchers = Array.from({ length: count }, (_, index) => ({
      service: index % services,
      channel: channels[index % channels.length],
      position: undefined,
      known: new Map(),
      whole: false,
      failures: 0,
    }));
    for (const watcher of this.#watchers) this.#follow(watcher);
  }

  of(service) {
    return this.#watchers.filter((watcher) => watcher.service === service).length;
  }

  /** How many watches have a whole snapshot, and how many instances all of them know together. */
  known() {
    return {
      whole: this.#watchers.filter(({ whole }) => whole).length,
      instances: this.#watchers.reduce((sum, { known }) => sum + known.size, 0),
    };
  }

  /** How many events have come since this was last called. */
  take() {
    const events = this.#events;
    this.#events = 0;
    return { events };
  }

  #follow(watcher) {
    const stream = watcher.channel.watch({ service: serviceName(watcher.service), resumeFrom: watcher.position });
    watcher.parts = [];
    stream.on('data', (event) => this.#apply(watcher, event));
    stream.on('error', () => {
      watcher.whole = false;
      const backoffMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** watcher.failures++);
      setTimeout(() => this.#follow(watcher), Math.random() * backoffMs);
    });
  }

  #apply(watcher, { position, warming, event }) {
    this.#events += 1;
    watcher.failures = 0;
    if (position !== undefined) watcher.position = position;
    if (event?.$case === 'snapshot') this.#applySnapshot(watcher, event.value, warming);
    if (event?.$case === 'delta') this.#applyDelta(watcher, event.value);
    watcher.whole = event?.$case !== 'snapshot' || !event.value.more;
  }

  #applySnapshot(watcher, { instances, more }, warming) {
    watcher.parts.push(...instances);
    if (more) return;
    if (!warming) watcher.known = new Map();
    for (const instance of watcher.parts) this.#note(watcher, instance);
    watcher.parts = [];
  }

  #applyDelta(watcher, { upserts, removals }) {
    for (const instance of upserts) this.#note(watcher, instance);
    for (const { instanceId } of removals) watcher.known.delete(instanceId);
  }

  #note(watcher, instance) {
    watcher.known.set(instance.instanceId, instance.metadata['change']);
    this.#onUpsert(watcher, instance);
  }
}
