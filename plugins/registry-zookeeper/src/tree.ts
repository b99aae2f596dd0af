import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { checkCount, MAX_INSTANCES } from '@rondo/registries';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { fromNode } from './node.js';
import { addWatch, childrenOf, type Requests, read } from './nodes.js';

/** How many nodes are read at a time: each may have a megabyte. */
const READS = 32;
/** The texts of all nodes together; more can't be right. Characters. */
const MAX_LENGTH = 32 * 1024 * 1024;

interface Kept {
  readonly instance: Instance;
  /** The length of the node's text. */
  readonly length: number;
}

/** The nodes of the instances of a service, or of all. */
export class Tree {
  readonly #connection: Requests;
  readonly #serviceOf: (path: string) => string;
  readonly #kept = new Map<string, Kept>();
  #length = 0;

  constructor(connection: Requests, serviceOf: (path: string) => string) {
    this.#connection = connection;
    this.#serviceOf = serviceOf;
  }

  /** Reads all nodes below `path`, that of a service or, if `isRoot`, that of all services. */
  async load(path: string, isRoot: boolean): Promise<void> {
    await addWatch(this.#connection, path);
    const services = isRoot ? (await childrenOf(this.#connection, path)).map((name) => `${path}/${name}`) : [path];
    const nodes: string[] = [];
    for (const service of services) {
      for (const id of await childrenOf(this.#connection, service)) nodes.push(`${service}/${id}`);
    }
    checkCount(nodes.length);
    await this.update(nodes);
  }

  /** Reads these nodes again. Returns whether any has changed. */
  async update(paths: readonly string[]): Promise<boolean> {
    let changed = false;
    for (let from = 0; from < paths.length; from += READS) {
      const reads = paths.slice(from, from + READS).map(async (path) => {
        const node = await read(this.#connection, path);
        const instance = node && fromNode(this.#serviceOf(path), node.text);
        return this.#keep(path, instance && { instance, length: node.text.length });
      });
      if ((await Promise.all(reads)).includes(true)) changed = true;
    }
    return changed;
  }

  /** Keeps what a node has, or nothing. Returns whether there is or was something. */
  #keep(path: string, kept: Kept | undefined): boolean {
    const before = this.#kept.get(path);
    this.#length += (kept?.length ?? 0) - (before?.length ?? 0);
    if (this.#length > MAX_LENGTH) throw new RangeError(`its nodes have more than ${MAX_LENGTH} characters`);
    if (kept === undefined) return this.#kept.delete(path);
    this.#kept.set(path, kept);
    return true;
  }

  /** The instances, each once, with all of its services. */
  list(): readonly Instance[] {
    const byId = new Map<string, Instance>();
    for (const { instance } of this.#kept.values()) {
      const services = byId.get(instance.instanceId)?.services ?? [];
      const all = [...new Set([...services, ...instance.services])];
      byId.set(instance.instanceId, Instance.fromPartial({ ...instance, services: all }));
    }
    return [...byId.values()];
  }
}

/** The paths that have changed since they were last taken. */
export class Changes {
  readonly #clock: Clock;
  readonly #paths = new Set<string>();
  #ended = false;
  #why: Error | undefined;
  #waking = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(path: string): void {
    this.#paths.add(path);
    if (this.#paths.size > MAX_INSTANCES) this.end(new RangeError(`more than ${MAX_INSTANCES} nodes change at a time`));
    this.#waking.abort();
  }

  /** Ends the waits; with an error, if the connection has failed. */
  end(why?: Error): void {
    this.#ended = true;
    this.#why ??= why;
    this.#waking.abort();
  }

  /** Waits for changes, at most for `timeoutMs`. Undefined once it has ended. @throws the error that ended it. */
  async next(timeoutMs: number): Promise<readonly string[] | undefined> {
    if (this.#paths.size === 0 && !this.#ended) {
      this.#waking = new AbortController();
      await sleep(this.#clock, timeoutMs, this.#waking.signal).catch(() => undefined);
    }
    if (this.#why !== undefined) throw this.#why;
    if (this.#ended) return undefined;
    const paths = [...this.#paths];
    this.#paths.clear();
    return paths;
  }
}
