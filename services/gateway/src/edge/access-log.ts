import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { Sampler } from '@rondo/rpc/internal';
import type { HttpExchange } from '../listener/exchange.js';

export interface AccessLogOptions {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'now'>;
  /** How many requests are logged per second and class of status, such as 4xx. 10 by default. */
  readonly perSecond?: number;
}

/** Logs a request when it ends. */
export type AccessLog = (
  exchange: HttpExchange,
  about: { readonly client: string; readonly requestId: string },
) => void;

/** Longer paths are cut. Characters. */
const MAX_PATH = 200;

/**
 * The access log: a sample of the requests, with a count of those that were left out. No client can fill it. It has no
 * query string and no body, which may be personal.
 */
export function createAccessLog({ log, clock, perSecond = 10 }: AccessLogOptions): AccessLog {
  const samplers = new Map<number, Sampler>();
  const samplerOf = (status: number): Sampler => {
    const kind = Math.floor(status / 100);
    const sampler = samplers.get(kind) ?? new Sampler(perSecond);
    samplers.set(kind, sampler);
    return sampler;
  };
  return (exchange, { client, requestId }) => {
    const startedAt = clock.now();
    exchange.onClose((left) => {
      const { status, method, path, version, identity } = exchange;
      const leftOut = samplerOf(status).admit(clock.now());
      if (leftOut === undefined) return;
      const durationMs = Math.round((clock.now() - startedAt) * 1_000) / 1_000;
      const fields = { method, path: path.slice(0, MAX_PATH), status, durationMs, client, requestId, version };
      const { principal } = identity ?? {};
      const more = {
        ...fields,
        ...(principal && { subject: principal.subject }),
        ...(left && { left }),
        ...(leftOut > 0 && { leftOut }),
      };
      if (status >= 500) log.warn(more, 'request failed');
      else log.info(more, 'request');
    });
  };
}
