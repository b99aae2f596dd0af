import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';

/** What a registry made of a write or a renewal. `displaced`: a process that started later has the id of the instance. */
export type Held = 'held' | 'forgotten' | 'displaced';

/** How an instance is written. */
export interface WriteOptions {
  /** How long the registry keeps the instance without a renewal. Milliseconds. */
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** Keeps the instance of a process in a registry. Each method rejects if the registry is away, and when `signal` aborts. */
export interface Registrar {
  /**
   * Registers the instance, or brings its entry up to date: its status, above all. An entry of an earlier process with this id is
   * replaced.
   */
  write(instance: Instance, options: WriteOptions): Promise<Exclude<Held, 'forgotten'>>;
  /** Keeps the entry for a further TTL; it is written again if the registry has `forgotten` it. */
  renew(instance: Instance, options: WriteOptions): Promise<Held>;
  /** Removes the entry. One that is gone already is no error. */
  remove(instance: Instance, signal: AbortSignal): Promise<void>;
}

/**
 * A registry of another kind. It has the instances of Rondo whole, and tells what it has of others.
 *
 * What must hold is tested by `registryConformance` of `@rondo/registries/testing`.
 */
export interface RegistryAdapter extends Registrar {
  /** Where it is, for messages: `zookeeper://10.0.0.7:2181/services`. */
  readonly address: string;
  /**
   * All instances that the registry lists for `service`, a full name, or for all services if it is empty, and all again after each
   * change. `undefined` says that nothing has changed: at least every 10 s, so that a silent registry is noticed. It throws once
   * the registry fails; the caller goes on with the last list, waits, and asks again.
   */
  watch(service: string, signal: AbortSignal): AsyncIterable<readonly Instance[] | undefined>;
  /** Ends its connections. */
  close(): Promise<void>;
}
