import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createAttacker } from './attack.js';
import { BOUNDS } from './bounds.js';
import { type BreakClient, ClientProcess } from './client-process.js';
import { InstanceProcess } from './instance-process.js';
import { type BreakRegistry, REGISTRY, RegistryProcess } from './registry-process.js';
import { checkFailure, checkPick, checkRegistry } from './rules.js';
import type { WatchedInstance } from './watch-record.js';
import type { World } from './world.js';

/** The share of machines whose clock is far ahead, and by how much. */
const SKEWED = 0.05;
const SKEW_MS = 3 * 3_600_000;

/** A part that is broken on purpose, to check that the simulation finds it. */
export interface Breakage {
  readonly registry?: BreakRegistry;
  readonly client?: BreakClient;
}

/** A registry, instances and clients, with the true state of each. */
export class Cluster {
  readonly clients = new Map<string, ClientProcess>();
  /** Every process of the service that ever ran. */
  readonly processes: InstanceProcess[] = [];
  /** When the current registry started. */
  registrySince = 0;
  readonly #world: World;
  readonly #breakage: Breakage;
  readonly #gone: RegistryProcess[] = [];
  readonly #attack: ReturnType<typeof createAttacker>;
  #registry: RegistryProcess;
  /** How long a client waits between calls, in milliseconds. */
  pauseMs: () => number;

  constructor(world: World, breakage: Breakage, pauseMs: () => number) {
    this.#world = world;
    this.#breakage = breakage;
    this.pauseMs = pauseMs;
    this.#attack = createAttacker(world);
    this.#registry = new RegistryProcess(world, breakage.registry);
    this.registrySince = world.clock.now();
  }

  startRegistry(): void {
    this.#gone.push(this.#registry);
    this.#registry = new RegistryProcess(this.#world, this.#breakage.registry);
    this.registrySince = this.#world.clock.now();
  }

  startInstance(instanceId: string, node = instanceId): InstanceProcess {
    this.ended(node);
    const { random, network } = this.#world;
    // A machine whose clock is hours ahead. Otherwise the clock is as wrong as that of the process before.
    if (random.next() < SKEWED) network.node(node, { aheadMs: SKEW_MS });
    const process = new InstanceProcess(this.#world, { instanceId, node });
    this.processes.push(process);
    return process;
  }

  startClient(name: string): void {
    const client = new ClientProcess(this.#world, {
      name,
      breakage: this.#breakage.client,
      onFailure: (from, call) => checkFailure(this.#world, this, { client: from, ...call }),
      onPick: (from, address) => checkPick(this.#world, this, { client: from, address }),
    });
    this.clients.set(name, client);
    void client.run(() => this.pauseMs());
  }

  /** Notes that the processes at a node are gone. */
  ended(node: string): void {
    for (const process of this.processes) if (process.node === node) process.kill();
  }

  /** The process that a watch reported. */
  processOf({
    instanceId,
    incarnation,
    address,
  }: Pick<WatchedInstance, 'instanceId' | 'incarnation' | 'address'>): InstanceProcess | undefined {
    const same = this.processes.filter((one) => one.instanceId === instanceId && one.incarnations.has(incarnation));
    // Two that began in the same millisecond have one incarnation.
    return same.find((one) => one.address === address) ?? same[0];
  }

  /**
   * The running processes that were not asked to stop, the latest of each id. An earlier one gets the id once the later
   * one has ended.
   */
  current(): readonly InstanceProcess[] {
    const latest = new Map<string, InstanceProcess>();
    for (const one of this.processes) {
      const before = latest.get(one.instanceId);
      if (one.running && (before === undefined || before.incarnation < one.incarnation))
        latest.set(one.instanceId, one);
    }
    return [...latest.values()];
  }

  /**
   * Whether a process with a later start keeps `one` from its id, or did until a short while ago: as long as the
   * registry may hold the later one, and until the earlier one has tried again.
   */
  isPreceded(one: InstanceProcess): boolean {
    const now = this.#world.clock.now();
    const { ttlMs, heldBackTtls, registeredAgainMs } = BOUNDS;
    return this.processes.some(({ instanceId, incarnation, endedAt = now, deregisteredAt }) => {
      if (instanceId !== one.instanceId || incarnation <= one.incarnation) return false;
      const freeAt = deregisteredAt ?? endedAt + (1 + heldBackTtls) * ttlMs;
      return now <= freeAt + ttlMs + registeredAgainMs;
    });
  }

  /** Whether a process with that id has ended within the last `withinMs`. */
  wasFreed(instanceId: string, withinMs: number): boolean {
    const since = this.#world.clock.now() - withinMs;
    return this.processes.some((one) => one.instanceId === instanceId && (one.endedAt ?? 0) > since);
  }

  /**
   * Lists the registry's instances, bypassing the network, attacks the registry and checks the rules. Returns nothing
   * if the registry isn't running.
   */
  async audit(): Promise<readonly Instance[]> {
    if (!this.#registry.alive || this.#world.disturbances.calmSince(REGISTRY, REGISTRY) > this.#world.clock.now())
      return [];
    const listed = await this.#registry.instances();
    await this.#attack(this.#registry.audit, listed);
    checkRegistry(this.#world, this, listed);
    return listed;
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    for (const process of this.processes) process.kill();
    this.#world.network.node(REGISTRY).kill();
    for (const registry of [...this.#gone, this.#registry]) await registry.end();
  }
}
