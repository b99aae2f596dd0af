import { formatHostPort, type HostPort } from '../config/parsers.js';

/** Why a process can't start, in words for whoever starts it: shown as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** Where nothing could listen, and for what. */
export interface BindFailure {
  /** As it stands behind "can't": `listen on`. */
  readonly what: string;
  readonly at: HostPort;
  /** The variable that says where. */
  readonly variable: string;
  readonly cause: unknown;
}

/** Says why nothing can listen at an address, and what to do. */
export function cannotBind({ what, at, variable, cause }: BindFailure): StartupError {
  const address = formatHostPort(at);
  const reason = deepestReason(cause);
  const [, why = reason] = REASONS.find(([sign]) => sign.test(reason)) ?? [];
  const stop = why === IN_USE ? 'stop what holds it, or ' : '';
  return new StartupError(`can't ${what} ${address}: ${why}; ${stop}set ${variable} to another address`, { cause });
}

const IN_USE = 'the port is in use';

/** How the layers below put it, and how it is said here. */
const REASONS: readonly (readonly [sign: RegExp, why: string])[] = [
  [/EADDRINUSE/, IN_USE],
  [/EADDRNOTAVAIL/, "this machine doesn't have that address"],
  [/EACCES/, 'this user may not listen there, as with ports below 1024'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "the name can't be resolved"],
];

/** Each layer puts its own words around those of the one below. */
function deepestReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : deepestReason(error.cause);
}
