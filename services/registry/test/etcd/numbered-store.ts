import type { Instance } from '../../src/domain/instance.js';
import type { Position, RegistryStore, WatchEvent } from '../../src/domain/store.js';

/**
 * Renumbers an etcd store's revisions as 0, 1, 2 and so on, so that a test can compare them with the memory store, which
 * has a counter of its own. They match only if each visible change took exactly one revision and nothing else took one.
 *
 * @param heads etcd's revision after each change of the registry, in order.
 */
export function numbered(store: RegistryStore, heads: readonly bigint[]): RegistryStore {
  const number = (revision: bigint) => {
    const index = heads.indexOf(revision);
    if (index < 0) throw new Error(`revision ${revision} is none of the registry's, which are ${heads.join(', ')}`);
    return BigInt(index);
  };
  const revisionOf = (index: bigint) => {
    if (index < 0n) return index;
    return heads[Number(index)] ?? (heads.at(-1) ?? 0n) + index - BigInt(heads.length) + 1n;
  };
  const position = ({ epoch, revision }: Position): Position => ({ epoch, revision: number(revision) });
  const instance = (one: Instance): Instance => ({ ...one, revision: number(one.revision) });
  const positioned = <T extends { readonly position: Position }>(answer: T): T => {
    return { ...answer, position: position(answer.position) };
  };
  const reported = (event: WatchEvent): WatchEvent => {
    if (event.kind === 'snapshot-part') return { ...event, instances: event.instances.map(instance) };
    if (event.kind === 'snapshot') return { ...positioned(event), instances: event.instances.map(instance) };
    if (event.kind === 'delta') return { ...positioned(event), upserts: event.upserts.map(instance) };
    return positioned(event);
  };
  return {
    get counts() {
      const { counts } = store;
      return { ...counts, revisions: counts.revisions === 0 ? 0 : Number(number(BigInt(counts.revisions))) };
    },
    register: async (...args) => positioned(await store.register(...args)),
    renew: async (lease) => positioned(await store.renew(lease)),
    async update(...args) {
      const updated = positioned(await store.update(...args));
      return { ...updated, instance: instance(updated.instance) };
    },
    deregister: async (...args) => position(await store.deregister(...args)),
    setOperatorState: async (...args) => position(await store.setOperatorState(...args)),
    listOperatorStates: async () => positioned(await store.listOperatorStates()),
    listServices: async () => positioned(await store.listServices()),
    async listInstances(query) {
      const page = positioned(await store.listInstances(query));
      return { ...page, instances: page.instances.map(instance) };
    },
    watch(query) {
      const { resumeFrom } = query;
      const from = resumeFrom && { ...resumeFrom, revision: revisionOf(resumeFrom.revision) };
      const events = store.watch({ ...query, resumeFrom: from });
      return {
        [Symbol.asyncIterator]() {
          const iterator = events[Symbol.asyncIterator]();
          return {
            async next() {
              const step = await iterator.next();
              return step.done === true ? step : { done: false, value: reported(step.value) };
            },
            return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
          };
        },
      };
    },
    close: () => store.close(),
  };
}
