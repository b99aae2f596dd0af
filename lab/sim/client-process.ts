import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, type Client, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { sleep } from '@rondo/rpc/clock';
import type { TransportFactory } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { BOUNDS } from './bounds.js';
import type { FaultNode } from './faults.js';
import { SERVICE } from './instance-process.js';
import { observed } from './observed-transport.js';
import { REGISTRY_ADDRESS } from './registry-process.js';
import { WatchRecord } from './watch-record.js';
import type { World } from './world.js';

/** Breaks a client on purpose by wrapping its transport. */
export type BreakClient = (transport: TransportFactory) => TransportFactory;

/** The options of a client. */
export interface ClientOptions {
  readonly name: string;
  /** Called for each failed call. */
  readonly onFailure: (client: ClientProcess, call: FailedCall) => void;
  /** Called with the address of each pick. */
  readonly onPick: (client: ClientProcess, address: string) => void;
  readonly breakage?: BreakClient | undefined;
}

/** A failed call. */
export interface FailedCall {
  readonly startedAt: number;
  readonly reason: string;
  /** At how many instances it was tried. */
  readonly attempts: number;
}

/** A process that calls the adder repeatedly. */
export class ClientProcess {
  readonly name: string;
  readonly watchRecord: WatchRecord;
  readonly #world: World;
  readonly #options: ClientOptions;
  readonly #node: FaultNode;
  readonly #channel: Channel;
  readonly #adder: Pick<Client<typeof AdderServiceDefinition>, 'add'>;
  calls = 0;

  constructor(world: World, options: ClientOptions) {
    const { name, onPick, breakage = (transport) => transport } = options;
    this.#world = world;
    this.#options = options;
    this.name = name;
    this.#node = world.network.node(name);
    const onDisorder = (detail: string) => world.report({ rule: 'positions never go back', node: name, detail });
    const watchRecord = new WatchRecord(() => world.clock.now(), onDisorder);
    this.watchRecord = watchRecord;
    const observing = observed(this.#node.transport, {
      onWatch: () => watchRecord.restart(),
      onResponse(response) {
        watchRecord.apply(response);
        if (response.event?.$case === 'progress') return;
        world.trace.note(
          name,
          `receives ${summary(response.event)}; knows ${watchRecord.listed.map(textOf).join(' ') || 'no instance'}`,
        );
      },
      onPick: (address, waited) => {
        if (!waited) onPick(this, address);
      },
    });
    // The breakage wraps the observed transport: the client is broken, not the wire.
    const transport = breakage(observing);
    const { clock } = this.#node;
    const { random } = world;
    this.#channel = createRegistryChannel({
      registry: [REGISTRY_ADDRESS],
      transport,
      clock,
      random,
      logger: silentLogger,
    });
    this.#adder = createClient(AdderServiceDefinition, { channel: this.#channel });
    world.trace.note(name, 'starts');
  }

  get alive(): boolean {
    return this.#node.alive;
  }

  /** The ids of the instances that it has endpoints of. */
  get endpoints(): readonly string[] {
    const view = this.#channel.inspect().find(({ service }) => service === SERVICE);
    return (view?.endpoints ?? []).map(({ instanceId }) => instanceId).sort();
  }

  /** Calls until its process ends; each call begins `pauseMs()` after the previous one. */
  async run(pauseMs: () => number): Promise<void> {
    const { clock } = this.#node;
    while (this.alive) {
      await sleep(clock, pauseMs());
      void this.call();
    }
  }

  /** Makes one call. Resolves to whether it succeeded. */
  async call(): Promise<boolean> {
    this.calls += 1;
    const startedAt = this.#world.clock.now();
    try {
      await this.#adder.add({ a: 1n, b: 2n }, { timeoutMs: BOUNDS.callTimeoutMs });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#world.trace.note(this.name, `a call of ${this.#world.clock.now() - startedAt} ms failed: ${reason}`);
      const attempts = error instanceof RpcError ? (error.report?.attempts.length ?? 0) : 0;
      this.#options.onFailure(this, { startedAt, reason, attempts });
      return false;
    }
  }

  close(): void {
    this.#channel.close();
    this.#node.kill();
  }
}

function textOf({ instanceId, state }: { readonly instanceId: string; readonly state: string }): string {
  return state === 'in' ? instanceId : `(${instanceId})`;
}

function summary(event: { readonly $case: string } | undefined): string {
  return event?.$case ?? 'nothing';
}
