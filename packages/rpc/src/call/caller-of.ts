import { createHash } from 'node:crypto';
import type { ContextValues } from './context-values.js';
import { callerIdentity } from './keyed-call.js';
import { callPrincipal } from './principal.js';

/** A longer name of a caller is represented by its digest. Characters. */
const MAX_PLAIN_LENGTH = 512;

/**
 * The caller of a call, as a key for what each caller has of its own (queues, caches): the process, and the principal on whose
 * behalf it calls. Empty if neither is known. One name from two issuers, or through two processes, is two callers.
 */
export function callerOf(values: ContextValues): string {
  const identity = values.get(callerIdentity);
  const principal = values.get(callPrincipal);
  if (principal === undefined) return identity;
  const text = JSON.stringify([identity, principal.issuer, principal.subject]);
  if (text.length <= MAX_PLAIN_LENGTH) return text;
  return `sha256:${createHash('sha256').update(text).digest('base64url')}`;
}
