import { backoffMs, type Clock, type Random, type Timer } from '@rondo/base';
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { CallContext, cancelled } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import { runOutsideScope } from '../call/scope.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import type { ConnectivityState, Transport } from '../transport/transport.js';

/** Options of {@link HealthWatch}. */
interface HealthWatchOptions {
  readonly service: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with the new state when the health has changed. */
  readonly onChange: (serves: boolean) => void;
}

/** The name of the gRPC health checking service. */
export const HEALTH_SERVICE = HealthDefinition.fullName;
const WATCH_PATH = `/${HEALTH_SERVICE}/Watch`;
const BACKOFF = { baseMs: 1_000, maxMs: 60_000, jitter: 'equal' } as const;
/** Messages a second that end a watch, because each change costs the client work. The watch starts again later. */
const MAX_MESSAGES_PER_SECOND = 20;

/**
 * Watches the health of one instance for one service, over each of its connections. An instance counts as serving until its
 * first message, and if it has no health service. A message counts until the next one or until the connection ends.
 * Source: gRFC A17, https://github.com/grpc/proposal
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  #serves = true;
  /** Ends the stream over the current connection. */
  #context: CallContext | undefined;
  #retry: Timer | undefined;
  #failures = 0;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** Whether the instance serves, by its last message. */
  get serving(): boolean {
    return this.#serves;
  }

  /** The connection has entered `state`. */
  onState(state: ConnectivityState): void {
    if (state === 'ready') {
      this.stop();
      runOutsideScope(() => this.#open());
    } else if (this.#context !== undefined) {
      this.stop();
    }
  }

  /** Ends the watch and forgets the last message: another process may answer over the next connection. */
  stop(): void {
    this.#retry?.cancel();
    this.#context?.end(cancelled());
    this.#context = undefined;
    this.#failures = 0;
    this.#serves = true;
  }

  #open(): void {
    const context = new CallContext();
    this.#context = context;
    this.#follow(context).then(
      () => this.#onEnd(context, undefined),
      (error: unknown) => this.#onEnd(context, error),
    );
  }

  async #follow(context: CallContext): Promise<void> {
    const message = HealthCheckRequest.encode(HealthCheckRequest.fromPartial({ service: this.#options.service }));
    const { response } = await this.#options.transport.call({
      path: WATCH_PATH,
      responseStream: true,
      metadata: new Metadata(),
      deadline: undefined,
      context,
      request: { stream: false, message: message.finish() },
      background: true,
    });
    if (!response.stream) return;
    const isFlood = floodAlarm(this.#options.clock);
    for await (const message of response.messages) {
      if (context !== this.#context) return;
      this.#onStatus(HealthCheckResponse.decode(message).status);
      this.#failures = 0;
      if (isFlood()) return;
    }
  }

  /**
   * Only `NOT_SERVING` keeps calls away. `SERVICE_UNKNOWN` does not: many servers report only their health as a whole, and a
   * server without the service answers its calls with `UNIMPLEMENTED`.
   */
  #onStatus(status: ServingStatus): void {
    const serves = status !== ServingStatus.NOT_SERVING;
    if (serves === this.#serves) return;
    this.#serves = serves;
    this.#options.onChange(serves);
  }

  /** The stream ended while its connection stands. It starts again later unless there is no health service. */
  #onEnd(context: CallContext, error: unknown): void {
    if (context !== this.#context) return;
    // After a flood or an unreadable message, the stream is still open at the server.
    context.end(cancelled());
    if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) {
      this.#onStatus(ServingStatus.SERVING);
      return;
    }
    const { clock, random } = this.#options;
    const delayMs = backoffMs(this.#failures, { ...BACKOFF, random });
    this.#failures += 1;
    this.#retry = clock.setTimer(delayMs, () => runOutsideScope(() => this.#open()), { keepAlive: false });
  }
}

/** Returns a function that counts a message and tells whether there are too many in the current second. */
function floodAlarm(clock: Clock): () => boolean {
  let since = clock.now();
  let messages = 0;
  return () => {
    const now = clock.now();
    if (now - since >= 1_000) {
      since = now;
      messages = 0;
    }
    messages += 1;
    return messages >= MAX_MESSAGES_PER_SECOND;
  };
}
