import { type Position, WatchRequest, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Payload } from '../../call/call.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { covers, type Route } from './conditions.js';

const WATCH = '/rondo.registry.v1.RegistryService/Watch';

/**
 * Identifies a watch. A deceived watcher has to forget its position, because the registry never sent what it resumes
 * from.
 */
interface Watcher {
  readonly from: string;
  readonly to: string;
  readonly service: string;
}

/** Makes watches of a registry report for a while that there are no instances. */
export class EmptyWatches {
  readonly #lies = new Set<Route>();
  readonly #open = new Set<Tap>();
  readonly #deceived = new Set<string>();

  /**
   * Every watch over `route`, open or opened later, sends an empty snapshot and nothing else until the returned
   * function is called. Then it breaks off, and the next one sends everything.
   */
  add(route: Route): () => void {
    const lie = { ...route };
    this.#lies.add(lie);
    for (const tap of this.#open) if (covers(lie, tap.watcher.from, tap.watcher.to)) this.#deceive(tap);
    return () => {
      if (!this.#lies.delete(lie)) return;
      for (const tap of [...this.#open]) if (covers(lie, tap.watcher.from, tap.watcher.to)) tap.cut();
    };
  }

  /** The request as it is sent: a deceived watcher doesn't resume. */
  request(from: string, to: string, call: { readonly path: string; readonly request: Payload<Uint8Array> }) {
    const { path, request } = call;
    if (path !== WATCH || request.stream) return request;
    const { service, resumeFrom } = WatchRequest.decode(request.message);
    const forgotten = this.#deceived.has(keyOf({ from, to, service }));
    if (!forgotten || resumeFrom === undefined) return request;
    return { stream: false, message: WatchRequest.encode(WatchRequest.fromPartial({ service })).finish() } as const;
  }

  /** The messages of a stream as the faulty registry sends them. */
  messages(
    route: { readonly from: string; readonly to: string },
    call: { readonly path: string; readonly request: Payload<Uint8Array> },
    messages: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array> {
    if (call.path !== WATCH || call.request.stream) return messages;
    const { service } = WatchRequest.decode(call.request.message);
    return {
      [Symbol.asyncIterator]: () => {
        const watcher = { ...route, service };
        const tap = new Tap(watcher, messages[Symbol.asyncIterator](), {
          onTruth: () => this.#deceived.delete(keyOf(watcher)),
          onEnd: () => this.#open.delete(tap),
        });
        this.#open.add(tap);
        if ([...this.#lies].some((lie) => covers(lie, route.from, route.to))) this.#deceive(tap);
        return tap;
      },
    };
  }

  #deceive(tap: Tap): void {
    this.#deceived.add(keyOf(tap.watcher));
    tap.lie();
  }
}

function keyOf({ from, to, service }: Watcher): string {
  return `${from} ${to} ${service}`;
}

interface TapOptions {
  /** Runs when the watcher has received the real instances. */
  readonly onTruth: () => void;
  readonly onEnd: () => void;
}

type Step = IteratorResult<Uint8Array, undefined>;

/** One watch stream, between the registry and the client. */
class Tap implements AsyncIterator<Uint8Array, undefined> {
  readonly watcher: Watcher;
  readonly #inner: AsyncIterator<Uint8Array>;
  readonly #options: TapOptions;
  #hasSent = false;
  #position: Position | undefined;
  #lying: 'no' | 'about to' | 'silent' | 'cut' = 'no';
  #wake: (() => void) | undefined;

  constructor(watcher: Watcher, inner: AsyncIterator<Uint8Array>, options: TapOptions) {
    this.watcher = watcher;
    this.#inner = inner;
    this.#options = options;
  }

  lie(): void {
    this.#lying = 'about to';
    this.#wake?.();
  }

  cut(): void {
    this.#lying = 'cut';
    this.#wake?.();
  }

  async next(): Promise<Step> {
    try {
      return await this.#next();
    } catch (error) {
      this.#options.onEnd();
      throw error;
    }
  }

  async #next(): Promise<Step> {
    // A watcher that reads on has received what was sent before.
    if (this.#hasSent && this.#lying === 'no') this.#options.onTruth();
    // The empty snapshot needs a position too: it takes that of the message which it replaces.
    const truth = this.#lying === 'no' || this.#position === undefined ? this.#inner.next() : undefined;
    // Messages and failures of the registry during the fault are dropped.
    truth?.catch(() => undefined);
    for (;;) {
      const lie = this.#nextLie();
      if (lie !== undefined) return lie;
      const step = await this.#orWoken(truth);
      if (step === undefined) continue;
      if (step.done === true) return this.#end();
      this.#position = WatchResponse.decode(step.value).position ?? this.#position;
      if (this.#lying === 'no') {
        this.#hasSent = true;
        return step;
      }
      if (this.#position === undefined) return this.#next();
    }
  }

  async return(): Promise<Step> {
    await this.#inner.return?.();
    return this.#end();
  }

  #nextLie(): Step | undefined {
    if (this.#lying === 'cut') {
      void this.return();
      throw new RpcError(Status.UNAVAILABLE, 'the registry broke off the watch');
    }
    if (this.#lying !== 'about to' || this.#position === undefined) return undefined;
    this.#lying = 'silent';
    this.#hasSent = false;
    const snapshot = { $case: 'snapshot' as const, value: { instances: [], more: false } };
    const lie = WatchResponse.fromPartial({ position: this.#position, warming: false, event: snapshot });
    return { done: false, value: WatchResponse.encode(lie).finish() };
  }

  /** The next message; undefined if something else must be sent first. */
  #orWoken(truth: Promise<IteratorResult<Uint8Array>> | undefined): Promise<IteratorResult<Uint8Array> | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      if (this.#lying === 'no' || this.#position === undefined) truth?.then(resolve, reject);
    });
  }

  #end(): Step {
    this.#options.onEnd();
    return { done: true, value: undefined };
  }
}
