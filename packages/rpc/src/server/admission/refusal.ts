import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { serverErrors } from '../../errors/server.js';
import { packDetail } from '../../status/detail.js';
import type { CallRefused } from '../../status/wire-errors.js';

/** What a refused call would have exceeded. */
export type Limit = 'latency' | 'method' | 'caller' | 'server';

interface Refusal {
  readonly limit: Limit;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly max: number;
  /** After how long a call may succeed. Milliseconds. */
  readonly retryMs: number;
}

/** The error of a refused call. No handler gets it, so the client may make it at another instance, whatever its method. */
export function refusalOf({ limit, path, max, retryMs }: Refusal): CallRefused {
  const ms = Math.ceil(retryMs);
  const retryDelay = { seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
  return serverErrors.OVERLOADED(
    { whatIsOverloadedAndItsLimit: TEXTS[limit](path, max), milliseconds: ms, remedy: REMEDIES[limit] },
    { details: [packDetail(RetryInfo, { retryDelay })], retryPushbackMs: ms },
  );
}

const TEXTS: Readonly<Record<Limit, (path: string, max: number) => string>> = {
  latency: (path, max) => `calls of ${path} queue at this instance, so it takes only ${Math.floor(max)} at once`,
  method: (path, max) => `this instance takes at most ${max} calls of ${path} at once, by RONDO_MAX_CALLS`,
  caller: (_path, max) => `this instance takes at most ${max} calls of one caller at once, by RONDO_MAX_CALLS`,
  server: (_path, max) => `this instance takes at most ${max} calls at once, by RONDO_MAX_CALLS`,
};

const REMEDIES: Readonly<Record<Limit, string>> = {
  latency: 'add instances',
  method: 'raise the bound',
  caller: 'make fewer calls at once',
  server: 'raise the bound',
};
