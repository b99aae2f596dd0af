import type { MessageType, MethodDefinition, ServiceDefinition } from './definition.js';
import { type Policy, policyOf } from './policy.js';
import type { PolicyFields } from './wire-fields.js';

/** A method with its policy: what a client or a server needs to call or serve it. */
export interface Method {
  /** The fully qualified service, such as `calculator.v1.CalculatorService`. */
  readonly service: string;
  /** The method's name in its contract, such as `Add`. */
  readonly name: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestType: MessageType;
  readonly responseType: MessageType;
  readonly policy: Policy;
  /** Where the fields that the policy names are in encoded messages; missing if not known. */
  readonly policyFields?: PolicyFields;
}

/** A service's methods by their names in code, such as `add`. */
export function methodsOf(service: ServiceDefinition): ReadonlyMap<string, Method> {
  return new Map(Object.entries(service.methods).map(([key, method]) => [key, toMethod(service.fullName, method)]));
}

function toMethod(service: string, definition: MethodDefinition): Method {
  const path = `/${service}/${definition.name}`;
  const { name, requestStream, responseStream, requestType, responseType } = definition;
  const policy = policyOf(definition, path);
  return { service, name, path, requestStream, responseStream, requestType, responseType, policy };
}
