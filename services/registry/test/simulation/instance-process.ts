import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { Protocol, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import { type Client, createChannel, createClient } from '@rondo/rpc/client';
import { createRouter } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { type FaultListener, type FaultNode, standIn, staticResolver } from '@rondo/rpc/testing';
import { createState, drain, type Registration, readinessOf, startRegistration } from '@rondo/service/testing';
import { BOUNDS } from './bounds.js';
import { REGISTRY_ADDRESS } from './registry-process.js';
import type { World } from './world.js';

export const SERVICE = CalculatorServiceDefinition.fullName;

type RegistryClient = Pick<Client<typeof RegistryServiceDefinition>, 'register' | 'renew' | 'update' | 'deregister'>;

/** What names a process of the calculator. */
export interface InstanceOptions {
  readonly instanceId: string;
  /** Where it runs; its address is named after that. */
  readonly node: string;
}

/** A process of the calculator: its server, and its registration as every service has it. */
export class InstanceProcess {
  readonly instanceId: string;
  readonly node: string;
  readonly address: string;
  /** All that it has registered with: by its own clock, and by the registry's where that refused the first. */
  readonly incarnations = new Set<bigint>();
  readonly startedAt: number;
  /** When it was killed, told to stop or ran no more; undefined while it takes calls. */
  stoppedAt: number | undefined;
  /** When the registry was first seen to hold it. */
  heldAt: number | undefined;
  /** When it was gone. */
  endedAt: number | undefined;
  /** When the registry had its goodbye, by an answer. */
  goodbyeAt: number | undefined;
  /** Whether the registry has ever told it that a later process has its name. */
  displaced = false;
  #incarnation: bigint;
  readonly #world: World;
  readonly #fault: FaultNode;
  readonly #readiness = createState(readinessOf([]));
  readonly #listener: FaultListener;
  readonly #registration: Registration;
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
    const services = [standIn(CalculatorServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })];
    const { random } = world;
    this.#listener = this.#fault.listen(this.address, createRouter({ services, instanceId, clock, random }));
    const channel = createChannel({ resolver: staticResolver([REGISTRY_ADDRESS]), transport, clock, random });
    this.#closeChannel = () => channel.close();
    const client = createClient(RegistryServiceDefinition, { channel });
    this.#registration = startRegistration({
      registry: this.#listening(client),
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

  /** Its start, as it says now: of two with one id, the later wins. */
  get incarnation(): bigint {
    return this.#incarnation;
  }

  /** Whether it runs and wasn't told to stop. */
  get running(): boolean {
    return this.stoppedAt === undefined;
  }

  /** Whether its own dependencies are there. */
  get ready(): boolean {
    return this.#readiness.current.phase === 'serving';
  }

  /** Its database goes away, or comes back. */
  setDependencies(present: boolean): void {
    if (!this.running) return;
    this.#world.trace.note(this.node, present ? 'is ready' : 'waits for its database');
    this.#readiness.set(readinessOf(present ? [] : ['the database']));
  }

  /** The registry's client, with what the answers mean noted. */
  #listening(client: RegistryClient): RegistryClient {
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
        this.goodbyeAt = this.#world.clock.now();
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
      stopChecks: async () => undefined,
      release: async () => this.#closeChannel(),
      waitMs: 500,
      graceMs: 1_000,
      clock,
      log: silentLogger,
    });
    this.kill();
  }

  /** It is gone: its node was killed, or is now. */
  kill(): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = this.#world.clock.now();
    this.stoppedAt ??= this.endedAt;
    this.#world.trace.note(this.node, `${this.instanceId} is gone`);
    this.#fault.kill();
  }
}
