import type { Status } from './code.js';
import { RpcError, type RpcErrorOptions } from './rpc-error.js';

/**
 * How far a call got whose connection failed: it never left this process (`unsent`), it was sent but reached no handler
 * (`never`), or it may have reached one (`unknown`).
 */
export type Reach = 'unsent' | 'never' | 'unknown';

interface TransportErrorOptions extends RpcErrorOptions {
  readonly reach: Reach;
  readonly foreign?: boolean;
}

/** A failure of the connection, and how far the call got. Callers see it as a plain {@link RpcError}. */
export class TransportError extends RpcError {
  readonly reach: Reach;
  /** Whether the peer speaks HTTP/2 but not gRPC: the next call would fail as well. */
  readonly foreign: boolean;

  constructor(code: Status, message: string, { reach, foreign = false, ...options }: TransportErrorOptions) {
    super(code, message, options);
    this.reach = reach;
    this.foreign = foreign;
  }
}

interface RouterErrorOptions extends RpcErrorOptions {
  /** `never` if it is certain that no handler ran. */
  readonly handled: 'never' | 'unknown';
}

/**
 * An error that the router of a Rondo server answered with. If no handler ran, the call may be retried at another
 * instance, whatever its method. Callers see it as a plain {@link RpcError}.
 */
export class RouterError extends RpcError {
  readonly handled: 'never' | 'unknown';

  constructor(code: Status, message: string, { handled, ...options }: RouterErrorOptions) {
    super(code, message, options);
    this.handled = handled;
  }
}

/**
 * Refuses a call before its handler ran: the process isn't ready, or has too much to do. The client may retry the call at
 * another instance, whatever its method. Only Rondo's own middleware throws it, because other middleware may have had
 * effects by then; docs/adr/0028-retries-and-outages.md.
 */
export class CallRefused extends RpcError {}

/** Ends a call because its server drains. */
export class ShuttingDown extends RpcError {}

/** Ends an attempt because a later hedge has answered. Outlier detection counts this against the attempt's instance. */
export class OvertakenByHedge extends RpcError {}

/** A contract or a setting names a policy whose plugin the channel doesn't have. A service that finds this out at its start doesn't start. */
export class MissingPolicy extends RpcError {}
