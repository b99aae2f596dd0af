import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { CallLimit, cancelled, Metadata, runOutsideScope } from '../call/index.js';
import type { Clock, Random, Timer } from '../clock/index.js';
import { RpcError, Status } from '../status/index.js';
import type { ConnectivityState, Transport } from '../transport/index.js';

/** What an instance's health is watched with. */
interface HealthWatchOptions {
  readonly service: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears whether it serves, where that has changed. */
  readonly onChange: (serves: boolean) => void;
}

/** The service that tells of all others. */
export const HEALTH_SERVICE = HealthDefinition.fullName;
const WATCH_PATH = `/${HEALTH_SERVICE}/Watch`;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** One that says more in a second is heard no further, as each change costs its client work; it is asked again. */
const MOST_WORDS_A_SECOND = 20;

/**
 * Follows what an instance says of its health for one service, over each connection as long as it stands. Where it has
 * no health service, or has said nothing yet, it serves; a word stands until the next one, or until the connection ends.
 * After gRFC A17.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  #serves = true;
  /** Ends the stream of the connection that stands. */
  #limit: CallLimit | undefined;
  #retry: Timer | undefined;
  #failures = 0;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** Whether it serves, as far as it has said. */
  get serving(): boolean {
    return this.#serves;
  }

  /** Its connection has come to `state`. */
  onState(state: ConnectivityState): void {
    if (state === 'ready') {
      this.stop();
      runOutsideScope(() => this.#open());
    } else if (this.#limit !== undefined) {
      this.stop();
    }
  }

  /** Ends it. What was said is forgotten: another process may answer over the next connection. */
  stop(): void {
    this.#retry?.cancel();
    this.#limit?.end(cancelled());
    this.#limit = undefined;
    this.#failures = 0;
    this.#serves = true;
  }

  #open(): void {
    const limit = new CallLimit();
    this.#limit = limit;
    this.#follow(limit).then(
      () => this.#onEnd(limit, undefined),
      (error: unknown) => this.#onEnd(limit, error),
    );
  }

  async #follow(limit: CallLimit): Promise<void> {
    const message = HealthCheckRequest.encode(HealthCheckRequest.fromPartial({ service: this.#options.service }));
    const { response } = await this.#options.transport.call({
      path: WATCH_PATH,
      responseStream: true,
      metadata: new Metadata(),
      deadline: undefined,
      limit,
      request: { stream: false, message: message.finish() },
      peer: '',
      background: true,
    });
    if (!response.stream) return;
    const isFlood = floodAlarm(this.#options.clock);
    for await (const word of response.messages) {
      if (limit !== this.#limit) return;
      this.#hear(HealthCheckResponse.decode(word).status);
      this.#failures = 0;
      if (isFlood()) return;
    }
  }

  /**
   * Only `NOT_SERVING` keeps calls away. `SERVICE_UNKNOWN` doesn't: many servers tell of their health as a whole alone, and
   * one that hasn't the service at all answers `UNIMPLEMENTED` to its calls.
   */
  #hear(status: ServingStatus): void {
    const serves = status !== ServingStatus.NOT_SERVING;
    if (serves === this.#serves) return;
    this.#serves = serves;
    this.#options.onChange(serves);
  }

  /** A stream that ends while its connection stands is begun again later, unless there is no such service. */
  #onEnd(limit: CallLimit, error: unknown): void {
    if (limit !== this.#limit) return;
    // A flood, and what can't be read, end it here alone.
    limit.end(cancelled());
    if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) {
      this.#hear(ServingStatus.SERVING);
      return;
    }
    const { clock, random } = this.#options;
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures) * (0.5 + random.next() / 2);
    this.#failures += 1;
    this.#retry = clock.setTimer(delayMs, () => runOutsideScope(() => this.#open()), { keepAlive: false });
  }
}

/** Tells at each word whether there are too many of late. */
function floodAlarm(clock: Clock): () => boolean {
  let since = clock.now();
  let words = 0;
  return () => {
    const now = clock.now();
    if (now - since >= 1_000) {
      since = now;
      words = 0;
    }
    words += 1;
    return words >= MOST_WORDS_A_SECOND;
  };
}
