import type { DiscoveryRequest, DiscoveryResponse, Refusal } from '@rondo/contracts/rondo/xds/v1/xds';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { WallClock } from '@rondo/rpc/clock';
import { servedByOf } from '@rondo/rpc/internal';
import { observe } from '@rondo/rpc/middleware';
import type { SettingsStore } from '../domain/settings.js';
import type { RegistryStore } from '../domain/store.js';
import { clientOf } from '../rpc/callers.js';
import { ClientShares } from '../rpc/client-shares.js';
import { toRpcError } from '../rpc/faults.js';
import type { RefusalLog } from '../rpc/refusal-log.js';
import { Encodings } from './encodings.js';
import { policiesIn } from './policies.js';
import { Stream } from './stream.js';

/** What an {@link XdsServer} works with. */
export interface XdsOptions {
  readonly store: Pick<RegistryStore, 'watch'>;
  readonly settings: Pick<SettingsStore, 'watch'>;
  /** The contracts, for timeouts, retries and `served_by`; undefined for none. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly wallClock: WallClock;
  readonly log: Logger;
  readonly refusals: Pick<RefusalLog, 'recordResources'>;
  /** How many streams may be open: those of one client are half of what the others leave free at most. */
  readonly maxStreams: number;
}

/** What the registry tells while there are streams. */
interface Watched {
  readonly encodings: Encodings;
  readonly end: AbortController;
}

/** The most refusals that an operator is shown. */
const MAX_REFUSALS = 100;

/** Sends the instances of services to gRPC clients by xDS. While no client is there, it watches nothing. */
export class XdsServer {
  readonly #options: XdsOptions;
  readonly #encodings: () => Encodings;
  readonly #shares: ClientShares;
  readonly #streams = new Set<Stream>();
  #watched: Watched | undefined;

  constructor(options: XdsOptions) {
    const { descriptorSet, log, maxStreams } = options;
    this.#options = options;
    this.#shares = new ClientShares('watches', maxStreams);
    const sources = { policiesOf: policiesIn(descriptorSet, log), servedBy: servedByOf(descriptorSet) };
    this.#encodings = () => new Encodings(sources);
  }

  /** What connected clients refuse. */
  get refusals(): readonly Refusal[] {
    return [...this.#streams].flatMap((stream) => stream.refusals).slice(0, MAX_REFUSALS);
  }

  /** Serves one stream. For a client that doesn't read it holds what it has sent, and nothing that waits. */
  serve(requests: AsyncIterable<DiscoveryRequest>, call: ServerCall): AsyncIterable<DiscoveryResponse> {
    const responses = this.#shares.open(clientOf(call), () => this.#responses(requests, call));
    return observe(responses, { error: toRpcError });
  }

  async *#responses(
    requests: AsyncIterable<DiscoveryRequest>,
    call: ServerCall,
  ): AsyncGenerator<DiscoveryResponse, undefined> {
    const stream = new Stream(call, this.#options);
    this.#streams.add(stream);
    const { encodings } = this.#watch();
    void stream.read(requests);
    try {
      for (;;) {
        const response = await stream.next(encodings);
        if (response === undefined) return;
        yield response;
      }
    } finally {
      stream.end('done');
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#unwatch();
    }
  }

  #watch(): Watched {
    if (this.#watched !== undefined) return this.#watched;
    const { store, settings } = this.#options;
    const watched = { encodings: this.#encodings(), end: new AbortController() };
    this.#watched = watched;
    const { encodings } = watched;
    const { signal } = watched.end;
    const follow = async <T>(events: AsyncIterable<T>, apply: (event: T) => ReadonlySet<string> | undefined) => {
      try {
        for await (const event of events) {
          const changed = apply(event);
          for (const stream of this.#streams) stream.wake(changed);
        }
      } catch (fault) {
        // The streams of clients end with it, and begin again: meanwhile clients keep what they have.
        if (signal.aborted) return;
        this.#unwatch();
        for (const stream of this.#streams) stream.end({ fault });
      }
    };
    void follow(store.watch({ service: undefined, resumeFrom: undefined, signal }), (event) => encodings.apply(event));
    void follow(settings.watch(signal), (records) => encodings.applySettings(records));
    return watched;
  }

  #unwatch(): void {
    this.#watched?.end.abort();
    this.#watched = undefined;
  }
}
