import { callerIdentity, callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { IdentityRefused } from '../domain/errors.js';

/** Whether the process with this SPIFFE id may serve a service. */
export type MayServe = (identity: string, service: string) => boolean;

/** The SPIFFE id of the caller; undefined if it has no certificate. */
export function identityOf({ values }: Pick<ServerCall, 'values'>): string | undefined {
  return values.get(callerIdentity) || undefined;
}

/** Whose share of the limits a call takes: its caller's identity, or its address without one. */
export function clientOf({ values, peer }: Pick<ServerCall, 'values' | 'peer'>): string {
  return identityOf({ values }) ?? peer.replace(/:\d+$/, '');
}

/**
 * Checks that a process may register `services`. A caller without a certificate isn't checked: a registry that takes such
 * connections is on its way to TLS, or has none.
 *
 * @throws IdentityRefused that names the services.
 */
export function requireServed(call: Pick<ServerCall, 'values'>, services: readonly string[], mayServe: MayServe): void {
  const identity = call.values.get(callerIdentity);
  const refused = identity === '' ? [] : services.filter((service) => !mayServe(identity, service));
  if (refused.length === 0) return;
  throw new IdentityRefused(
    `${identity} may not serve ${refused.join(', ')}: give the process its own certificate, or correct served_by in the contract`,
  );
}

/** The names of those who may change what operators change, without `spiffe://` and the trust domain. */
const OPERATOR = /^spiffe:\/\/[^/]+\/(?:person|operator)\//;

/** The process that operators call by the console, and the scope that it asks them for. */
const [GATEWAY, SCOPE] = [/^spiffe:\/\/[^/]+\/gateway$/, 'rondo.operator'];

/** Whether a SPIFFE id is that of a person or an operator. */
export const isOperator = (identity: string): boolean => OPERATOR.test(identity);

/**
 * Checks that the caller is a person or an operator, or the gateway on behalf of one, if it has a certificate.
 *
 * @param action what the call does, as the end of a sentence.
 * @throws IdentityRefused if it is a service.
 */
export function requireOperator({ values }: Pick<ServerCall, 'values'>, action: string): void {
  const identity = values.get(callerIdentity);
  if (identity === '' || isOperator(identity)) return;
  // The gateway signs for whom it calls, and the registry has verified that.
  if (GATEWAY.test(identity) && values.get(callPrincipal)?.scopes.includes(SCOPE)) return;
  throw new IdentityRefused(
    `${identity} may not ${action}: call with the certificate of a person or an operator, spiffe://…/person/…`,
  );
}
