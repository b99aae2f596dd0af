import { AsyncLocalStorage } from 'node:async_hooks';
import type { SqlValue } from '@rondo/database';
import { callerIdentity, callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { hiddenByRule } from '../../list.js';

/** The longest text of a column, so that each fits into an index. */
const MAX_LENGTH = 255;
/** Anything else in the place of a name isn't one, and may be a secret by mistake. */
const NAME = /^[a-z0-9][\x21-\x7e]*$/;

/** What an event says of its call. */
export interface AuditEvent {
  readonly subject: string;
  readonly issuer: string;
  readonly process: string;
  readonly actors: readonly string[];
  readonly method: string;
  readonly resource: string;
  readonly code: number;
  readonly traceId: string;
}

const calls = new AsyncLocalStorage<ServerCall>();

/** Runs `work`, whose effects are those of `call`. */
export function auditing<T>(call: ServerCall, work: () => T): T {
  return calls.run(call, work);
}

/** The call whose effects are to be audited; undefined if there is none, or audit is off. */
export function auditedCall(): ServerCall | undefined {
  return calls.getStore();
}

/** The event of a call. @param result what its transaction returned: the resource of a create has its name only there. */
export function eventOf(call: ServerCall, code: number, result?: unknown): AuditEvent {
  const { values, method, traceId, request } = call;
  const principal = values.get(callPrincipal);
  return {
    subject: short(principal?.subject ?? ''),
    issuer: short(principal?.issuer ?? ''),
    process: short(values.get(callerIdentity)),
    actors: (principal?.actors ?? []).slice(0, 16).map(short),
    method: method.path,
    resource: values.get(hiddenByRule) || resourceOf(request.stream ? undefined : readable(request), result),
    code,
    traceId,
  };
}

/** The values of the columns, but for the time, in the order of {@link COLUMNS}. */
export function valuesOf(event: AuditEvent): readonly SqlValue[] {
  const { subject, issuer, process, actors, method, resource, code, traceId } = event;
  return [subject, issuer, process, actors, method, resource, code, traceId];
}

/** The columns of {@link valuesOf}. */
export const COLUMNS = 'subject, issuer, process, actors, method, resource, code, trace_id';

/** A refused call may have a request that can't be read. */
function readable(request: { readonly message: unknown }): unknown {
  try {
    return request.message;
  } catch {
    return undefined;
  }
}

/** The name in the request, or in a message of it; else that of the result; else the parent. */
function resourceOf(request: unknown, result: unknown): string {
  const nested = Object.values(isObject(request) ? request : {}).map((field) => nameIn(field, 'name'));
  const candidates = [nameIn(request, 'name'), ...nested, nameIn(result, 'name'), nameIn(request, 'parent')];
  return candidates.find((name) => name !== '') ?? '';
}

function nameIn(message: unknown, key: 'name' | 'parent'): string {
  const name: unknown = isObject(message) ? Reflect.get(message, key) : undefined;
  return typeof name === 'string' && name.length <= MAX_LENGTH && name.includes('/') && NAME.test(name) ? name : '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What PostgreSQL's text or JSON can't hold, which is a zero or half of a pair, or what a terminal obeys. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

function short(text: string): string {
  return text.slice(0, MAX_LENGTH).replace(UNPRINTABLE, '\ufffd');
}
