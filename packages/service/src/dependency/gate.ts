import type { ServerCall } from '@rondo/rpc/call';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Readiness } from '../state/readiness.js';
import type { State } from '../state/state.js';

/** What a gate is made from. */
export interface GateOptions {
  /** The process's name, for the caller to read. */
  readonly name: string;
  readonly readiness: State<Readiness>;
  /** The services that answer however ready the process is: health and reflection. */
  readonly open: readonly string[];
}

/** Refuses calls while the process waits for what it can't serve without, so that no handler has to think of it. */
export function createGate({ name, readiness, open }: GateOptions): Middleware<ServerCall> {
  const always: ReadonlySet<string> = new Set(open);
  return (call, next) => {
    const { phase, waitingFor } = readiness.current;
    if (phase !== 'starting' || always.has(call.method.service)) return next(call);
    const message = `${name} isn't ready: it waits for ${waitingFor.join(' and ')}; call again soon`;
    return Promise.reject(new RpcError(Status.UNAVAILABLE, message));
  };
}
