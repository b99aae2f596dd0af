import { AdderServiceDefinition, type AddRequest } from '@rondo/contracts/rondo/conformance/v1/adder';
import { Protocol, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { createState, drain, readinessOf, startRegistration } from '@rondo/service/testing';
import { BOUNDS } from './bounds.js';
import type { FaultNode } from './faults.js';
import { REGISTRY_ADDRESS } from './registry-process.js';
import type { World } from './world.js';

export const SERVICE = AdderServiceDefinition.fullName;

type RegistryClient = Pick<Client<typeof RegistryServiceDefinition>, 'register' | 'renew' | 'update' | 'deregister'>;

/** The options of an instance process. */
export interface InstanceOptions {
  readonly instanceId: string;
  /** The node that it runs on; its address contains the node's name. */
  readonly node: string;
}

/** A process of the adder: its server, and its registration with the code of every service. */
export class InstanceProcess {
  readonly instanceId: string;
  readonly node: string;
  readonly address: string;
  /**
   * All incarnations that it has registered with: by its own clock, and by the registry's clock if the registry refused
   * the first.
   */
  readonly incarnations = new Set<bigint>();
  readonly startedAt: number;
  /** When it was killed, asked to stop, or ended; undefined while it takes calls. */
  stoppedAt: number | undefined;
  /** When an audit first found it in the registry. */
  heldAt: number | undefined;
  /** When it ended. */
  endedAt: number | undefined;
  /** When the registry answered its deregistration. */
  deregisteredAt: number | undefined;
  /** Whether the registry has ever reported to it that a later process holds its id. */
  displaced = false;
  #sick = false;
  #incarnation: bigint;
  readonly #world: World;
  readonly #fault: FaultNode;
  readonly #readiness = createState(readinessOf([]));
  readonly #listener: ReturnType<FaultNode['listen']>;
  readonly #registration: ReturnType<typeof startRegistration>;
  readonly #closeChannel: () => void;

  constructor(world: World, { instanceId, node }: InstanceOptions) {
    this.#world = world;
    this.#fault = world.network.node(node);
    const { clock, transport } = this.#fault;
    this.instanceId = instanceId;
    this.node = node;
    this.address = `${node}:50051`;
    this.#incarnation = BigInt(Math.trunc(clock.now()));
    this.incarnations.add(this.#incarnation);
    this.startedAt = world.clock.now();
    const add = ({ a, b }: AddRequest) => {
      if (this.#sick) throw new RpcError(Status.UNAVAILABLE, `${instanceId} is sick`);
      return { result: a + b };
    };
    const services = [standIn(AdderServiceDefinition, { add })];
    const { random } = world;
    this.#listener = this.#fault.listen(this.address, createRouter({ services, instanceId, clock, random }));
    const channel = createChannel({ resolver: staticResolver([REGISTRY_ADDRESS]), transport, clock, random });
    this.#closeChannel = () => channel.close();
    const client = createClient(RegistryServiceDefinition, { channel });
    this.#registration = startRegistration({
      registry: this.#observed(client),
      instance: {
        instanceId,
        incarnation: this.#incarnation,
        endpoints: [
          {
            address: this.address,
            protocols: [Protocol.PROTOCOL_GRPC],
            security: Security.SECURITY_PLAINTEXT,
            minPingInterval: { seconds: 1n, nanos: 0 },
          },
        ],
        services: [SERVICE],
        zone: '',
        version: '',
        weight: 0,
        metadata: {},
        fingerprints: {},
      },
      readiness: this.#readiness,
      ttlMs: BOUNDS.ttlMs,
      clock,
      random,
      log: silentLogger,
    });
    world.trace.note(node, `starts as ${instanceId}, incarnation ${this.incarnation}`);
  }

  /** Its current incarnation. Of two processes with one id, the later one wins. */
  get incarnation(): bigint {
    return this.#incarnation;
  }

  /** Whether it runs and wasn't asked to stop. */
  get running(): boolean {
    return this.stoppedAt === undefined;
  }

  /** Whether its dependencies are available. */
  get ready(): boolean {
    return this.#readiness.current.phase === 'serving';
  }

  /** Makes its database available or unavailable. */
  setDependencies(present: boolean): void {
    if (!this.running) return;
    this.#world.trace.note(this.node, present ? 'is ready' : 'waits for its database');
    this.#readiness.set(readinessOf(present ? [] : ['the database']));
  }

  /** Makes it answer `UNAVAILABLE`, or end that. */
  setSick(sick: boolean): void {
    this.#world.trace.note(this.node, sick ? 'is sick: it answers UNAVAILABLE' : 'is well again');
    this.#sick = sick;
  }

  /** Wraps the registry's client to note what the answers mean. */
  #observed(client: RegistryClient): RegistryClient {
    const noted = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        try {
          return await call(...args);
        } catch (error) {
          this.displaced ||= error instanceof RpcError && error.code === Status.ABORTED;
          throw error;
        }
      };
    };
    const register = noted(client.register);
    return {
      register: (request, options) => {
        this.#incarnation = BigInt(request.instance?.incarnation ?? this.#incarnation);
        this.incarnations.add(this.#incarnation);
        return register(request, options);
      },
      renew: noted(client.renew),
      update: noted(client.update),
      deregister: async (request, options) => {
        const reply = await client.deregister(request, options);
        this.deregisteredAt = this.#world.clock.now();
        return reply;
      },
    };
  }

  /** Stops it as `SIGTERM` does. */
  async drain(): Promise<void> {
    if (!this.running) return;
    const { clock } = this.#fault;
    this.#world.trace.note(this.node, 'drains');
    this.stoppedAt = this.#world.clock.now();
    await drain({
      readiness: this.#readiness,
      registration: this.#registration,
      server: this.#listener,
      listeners: [],
      stopChecks: async () => undefined,
      release: async () => this.#closeChannel(),
      waitMs: 500,
      graceMs: 1_000,
      clock,
      log: silentLogger,
    });
    this.kill();
  }

  /** Notes that it has ended, and kills its node if that is still running. */
  kill(): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = this.#world.clock.now();
    this.stoppedAt ??= this.endedAt;
    this.#world.trace.note(this.node, `${this.instanceId} is gone`);
    this.#fault.kill();
  }
}
