import { callerIdentity, type ServerCall } from '@rondo/rpc/call';
import type { RpcError } from '@rondo/rpc/status';
import { transactionErrors } from './errors.js';

/** Whether the process with this SPIFFE id may serve a service, as `ServiceContext.mayServe` tells. */
export type MayServe = (identity: string, service: string) => boolean;

/** A call, as far as it tells who makes it. */
export type Caller = Pick<ServerCall, 'values'>;

/** Whether the caller may serve each of `services`, of which there is at least one, or has no certificate. */
export function servesAll({ values }: Caller, services: readonly string[], mayServe: MayServe): boolean {
  const identity = values.get(callerIdentity);
  return identity === '' || (services.length > 0 && services.every((service) => mayServe(identity, service)));
}

/**
 * Refuses a caller by its certificate.
 *
 * @param whoMay call, as the end of a sentence.
 */
export function refuseCaller({ values }: Caller, whoMay: string): RpcError {
  return transactionErrors.CALLER_REFUSED({ caller: values.get(callerIdentity), whoMay });
}
