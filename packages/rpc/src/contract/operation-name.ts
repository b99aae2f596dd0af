import { clientErrors } from '../errors/client.js';

/** The contract by which a service answers for its operations. It is called at that service, and isn't looked up by its own name. */
export const OPERATIONS_SERVICE = 'google.longrunning.Operations';

/** The fields of a request of {@link OPERATIONS_SERVICE} that say which service is meant. */
export interface OperationRequest {
  readonly name?: string;
  /** Of a list. */
  readonly filter?: string;
}

/**
 * The service that has an operation, by the operation's name, `operations/SERVICE/ID`; that which a list is of, by the list's filter.
 *
 * @throws RpcError `INVALID_ARGUMENT` that names the field, the rule and the remedy.
 */
export function operationService({ name = '', filter }: OperationRequest): string {
  if (filter !== undefined) {
    const [, listed] = /(?:^|[\s(])service\s*=\s*"?([\w.]+)"?(?=$|[\s)])/.exec(filter) ?? [];
    if (listed === undefined) throw clientErrors.OPERATION_FILTER({ filter });
    return listed;
  }
  const [, service] = /^operations\/([\w.]+)\/[\w-]+$/.exec(name) ?? [];
  if (service === undefined) throw clientErrors.OPERATION_NAME({ name: name.slice(0, 200) });
  return service;
}
