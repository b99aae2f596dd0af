import type { Endpoint, Standing } from '../resolver/index.js';
import type { ConnectivityState, Transport } from '../transport/index.js';
import { Refusals } from './refusals.js';

/** An endpoint with the connection to it, and what is known of both. */
export class Member {
  endpoint: Endpoint;
  readonly transport: Transport;
  readonly refusals = new Refusals();
  /** Whether the resolver still names it. */
  listed = true;
  /** Whether its connection broke or couldn't be made, and hasn't stood since. */
  failed = false;
  #wasReady = false;

  constructor(endpoint: Endpoint, transport: Transport) {
    this.endpoint = endpoint;
    this.transport = transport;
  }

  /** Whether it takes calls, as the resolver has it. */
  get serving(): boolean {
    return this.endpoint.standing === 'serving';
  }

  get ready(): boolean {
    return this.serving && this.transport.state === 'ready';
  }

  /** Whether a call could wait for it to be ready: it isn't, but nothing says that it won't be soon. */
  get coming(): boolean {
    const { state } = this.transport;
    return this.serving && (state === 'connecting' || state === 'idle');
  }

  /** Notes that its connection has come to `state`. */
  onState(state: ConnectivityState, now: number): void {
    if (state === 'ready') {
      this.failed = false;
      this.refusals.onConnected(now);
    } else if (state === 'transient_failure' || this.#wasReady) {
      this.failed = true;
    }
    this.#wasReady = state === 'ready';
  }

  /** Why no call of the method at `path`, or of any method, goes there; undefined where calls do. */
  whyNot(path?: string): string | undefined {
    const { endpoint, transport, refusals } = this;
    if (endpoint.standing !== 'serving') return NOT_SERVING[endpoint.standing];
    if (transport.state !== 'ready') return STATES[transport.state] ?? transport.lastError ?? 'not connected';
    const refusal = path === undefined ? refusals.whole : refusals.of(path);
    if (refusal === undefined) return undefined;
    return `set aside: ${refusal.foreign ? '' : 'answers UNIMPLEMENTED: '}${refusal.reason}`;
  }
}

const NOT_SERVING: Readonly<Record<Exclude<Standing, 'serving'>, string>> = {
  starting: 'not ready yet',
  draining: 'draining',
  cordoned: 'cordoned by an operator',
};

const STATES: Partial<Record<ConnectivityState, string>> = {
  idle: 'not connected yet',
  connecting: 'connecting',
  shutdown: 'the connection was closed',
};
