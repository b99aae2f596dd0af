import { type Instance, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { createRouter, type ServiceImplementation } from '@rondo/rpc/server';
import { createTestChannel, seededRandom, stopParts } from '@rondo/rpc/testing';
import { createApp } from '../../services/registry/src/app.js';
import { DEFAULT_TOTAL_LIMITS } from '../../services/registry/src/domain/limits.js';
import { BOUNDS } from './bounds.js';
import type { FaultNode } from './faults.js';
import type { World } from './world.js';

export const REGISTRY = 'registry';
export const REGISTRY_ADDRESS = 'registry:50050';

/** Breaks a part of the registry on purpose by wrapping its handlers. */
export type BreakRegistry = (services: readonly ServiceImplementation[]) => readonly ServiceImplementation[];

/** The registry, wired as in its process, with an audit client that bypasses the network. */
export class RegistryProcess {
  readonly #world: World;
  readonly #node: FaultNode;
  readonly #auditChannel: Channel;
  readonly #stop: () => Promise<void>;
  readonly audit: Client<typeof RegistryServiceDefinition>;

  constructor(world: World, breakage: BreakRegistry = (services) => services) {
    this.#world = world;
    this.#node = world.network.node(REGISTRY);
    const { clock } = this.#node;
    const wallClock = { now: () => new Date(clock.now()) };
    const context = { clock, wallClock, random: world.random, log: silentLogger, meter: quietMeter };
    const app = createApp(context, CONFIG);
    const services = breakage(app.services);
    this.#stop = () => stopParts(app);
    this.#node.listen(REGISTRY_ADDRESS, createRouter({ services, clock, random: world.random }));
    // It has a random source of its own, so that an audit doesn't change the simulation.
    this.#auditChannel = createTestChannel({ services, clock: world.clock, random: seededRandom(0) });
    this.audit = createClient(RegistryServiceDefinition, { channel: this.#auditChannel });
    world.trace.note(REGISTRY, 'starts empty');
  }

  get alive(): boolean {
    return this.#node.alive;
  }

  /** All instances that the registry lists. */
  async instances(): Promise<readonly Instance[]> {
    const { instances } = await this.audit.listInstances({});
    return instances;
  }

  /** Releases what a process leaves to the operating system. */
  async end(): Promise<void> {
    this.#world.trace.note(REGISTRY, 'is gone');
    this.#auditChannel.close();
    await this.#stop();
  }
}

const CONFIG = {
  store: { kind: 'memory' as const, limits: DEFAULT_TOTAL_LIMITS, warmingMs: BOUNDS.ttlMs },
  system: '',
};

/** A meter without a reader. */
const instrument = { addCallback() {}, removeCallback() {} };
const quietMeter = {
  createObservableGauge: () => instrument,
  createObservableCounter: () => instrument,
};
