import type { DiscoveryRequest, DiscoveryResponse, Node, Refusal } from '@rondo/contracts/rondo/xds/v1/xds';
import type { ServerCall } from '@rondo/rpc/call';
import type { WallClock } from '@rondo/rpc/clock';
import { identityOf } from '../rpc/callers.js';
import type { RefusalLog } from '../rpc/refusal-log.js';
import type { Client, Encodings } from './encodings.js';
import { CERTIFICATES } from './resources.js';
import { Subscriptions, shortened } from './subscriptions.js';

/** What a stream works with. */
interface StreamOptions {
  readonly wallClock: WallClock;
  readonly refusals: Pick<RefusalLog, 'recordResources'>;
}

/** The longest text that is kept of a client's node, which may have any size. Characters. */
const MAX_TEXT = 256;

/** What is kept of a client's node. */
const keptOf = ({ id, userAgentName, userAgentVersion, locality, metadata }: Node) => ({
  id: shortened(id, MAX_TEXT),
  userAgent: shortened(`${userAgentName} ${userAgentVersion}`, MAX_TEXT),
  zone:
    locality === undefined || locality.zone === '' ? '' : shortened(`${locality.region}/${locality.zone}`, MAX_TEXT),
  hasCertificates: metadata?.[CERTIFICATES.metadata] === true,
});

/** One stream of an xDS client. */
export class Stream {
  readonly #call: ServerCall;
  readonly #options: StreamOptions;
  readonly #subscriptions = new Subscriptions();
  #node: ReturnType<typeof keptOf> | undefined;
  #wake: () => void = () => undefined;
  #ended: { readonly fault: unknown } | 'done' | undefined;

  constructor(call: ServerCall, options: StreamOptions) {
    this.#call = call;
    this.#options = options;
    call.signal.addEventListener('abort', () => this.end('done'), { once: true });
  }

  /** What the client refuses. */
  get refusals(): readonly Refusal[] {
    const { id: node = '', userAgent = '' } = this.#node ?? {};
    const client = { node, userAgent, peer: this.#call.peer };
    return this.#subscriptions.refused.map(({ timeMs, ...refused }) => {
      return { ...client, ...refused, time: new Date(timeMs) };
    });
  }

  /** Reads the client's requests, until it ends the stream. */
  async read(requests: AsyncIterable<DiscoveryRequest>): Promise<void> {
    try {
      for await (const request of requests) this.#take(request);
      this.end('done');
    } catch (fault) {
      this.end({ fault });
    }
  }

  /** The next response, once there is one; undefined at the end of the stream. It throws the fault that ended the stream. */
  async next(encodings: Pick<Encodings, 'find' | 'isComplete'>): Promise<DiscoveryResponse | undefined> {
    while (this.#ended === undefined) {
      const client = this.#client();
      // While the registry warms, an instance that it doesn't list may live: a client keeps what it has.
      const response = encodings.isComplete
        ? this.#subscriptions.next((type, name) => encodings.find(type, name, client))
        : undefined;
      if (response !== undefined) return response;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#ended !== 'done') throw this.#ended.fault;
    return undefined;
  }

  /** Looks for changes of services; of all if it is undefined. */
  wake(changed: ReadonlySet<string> | undefined): void {
    if (changed === undefined || this.#subscriptions.concerns(changed)) this.#wake();
  }

  /** Ends the stream. The first end counts. */
  end(how: { readonly fault: unknown } | 'done'): void {
    this.#ended ??= how;
    this.#wake();
  }

  #take(request: DiscoveryRequest): void {
    // Later requests may leave it out.
    this.#node ??= request.node && keptOf(request.node);
    const { wallClock, refusals } = this.#options;
    const refused = this.#subscriptions.apply(request, wallClock.now().getTime());
    if (refused !== undefined) {
      const { type, reason } = refused;
      refusals.recordResources({ node: this.#node?.id ?? '', type, reason, peer: this.#call.peer });
    }
    this.#wake();
  }

  #client(): Client {
    const { zone = '', hasCertificates = false } = this.#node ?? {};
    const [trustDomain = ''] = /^spiffe:\/\/[^/]+\//.exec(identityOf(this.#call) ?? '') ?? [];
    const tls = trustDomain !== '' && hasCertificates;
    return { zone, tls, trustDomain };
  }
}
