import { formatHostPort, type HostPort } from '../config/parsers.js';

/** Why a process can't start, for the operator: printed as one line without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** A failed attempt to listen. */
export interface BindFailure {
  /** A verb phrase that follows "can't": `listen on`. */
  readonly what: string;
  readonly at: HostPort;
  /** The environment variable that sets the address. */
  readonly variable: string;
  readonly cause: unknown;
}

/** An error that says why the process can't listen at an address, and what to do. */
export function cannotBind({ what, at, variable, cause }: BindFailure): StartupError {
  const address = formatHostPort(at);
  const reason = deepestReason(cause);
  const [, why = reason] = REASONS.find(([sign]) => sign.test(reason)) ?? [];
  const stop = why === IN_USE ? 'stop what holds it, or ' : '';
  return new StartupError(`can't ${what} ${address}: ${why}; ${stop}set ${variable} to another address`, { cause });
}

const IN_USE = 'the port is in use';

/** Causes as the layers below report them, and our text for each. */
const REASONS: readonly (readonly [sign: RegExp, why: string])[] = [
  [/EADDRINUSE/, IN_USE],
  [/EADDRNOTAVAIL/, "this machine doesn't have that address"],
  [/EACCES/, 'this user may not listen there, as with ports below 1024'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "the name can't be resolved"],
];

/** Whether the port of a failed attempt to listen is in use. */
export const isInUse = (error: unknown): boolean => /EADDRINUSE/.test(deepestReason(error));

/** The message of the innermost cause: each layer wraps the message of the layer below. */
function deepestReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : deepestReason(error.cause);
}
