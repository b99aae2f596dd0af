import { createRegistry, type DescMethod, type Registry } from '@bufbuild/protobuf';
import { type Method, methodsOf, OPERATIONS, operationService } from '@rondo/rpc/internal';
import { createRoutes, httpRuleOf } from '@rondo/schema/http';
import { gatewayErrors } from '../errors.js';
import type { BackendCall } from '../protocols/backend.js';
import type { Catalogue, PublicMethod, PublicService, RouteMatch } from './catalogue.js';

/** `google.longrunning.Operations` as clients from outside see it: the operations of all public services. */
export interface Operations {
  /** The method that reads one. */
  readonly get: PublicMethod | undefined;
  /** The method that cancels one. */
  readonly cancel: PublicMethod | undefined;
  method(path: string): PublicMethod | undefined;
  route(verb: string, path: string): RouteMatch | { readonly allow: readonly string[] } | undefined;
  /**
   * Leads a call of an operation to the service that its request names. Another call stays as it is.
   *
   * @throws RpcError if the request names no public service with operations.
   */
  redirect(call: BackendCall): BackendCall;
}

/** A service answers a wait after 30 s, if the client gives no time. */
const TIMEOUT_MS = 40_000;
const METHODS = new Map(
  [...methodsOf(OPERATIONS).values()].map(({ policy, ...method }): [string, Method] => [
    method.path,
    { ...method, policy: { ...policy, defaultTimeoutMs: TIMEOUT_MS } },
  ]),
);
const READERS = new Map<string, (bytes: Uint8Array) => Parameters<typeof operationService>[0]>(
  Object.values(OPERATIONS.methods).map(({ name, requestType }) => [name, (bytes) => requestType.decode(bytes)]),
);

/** @param known finds a method of `google.longrunning.Operations` in the gateway's own contracts. */
export function createOperations(
  catalogue: Pick<Catalogue, 'services' | 'revision'>,
  known: (path: string) => PublicMethod | undefined,
): Operations {
  const typesOf = createTypes(catalogue);
  const methods = new Map(
    [...METHODS].flatMap(([path, method]) => {
      const found = known(path);
      const target = found && {
        ...found,
        method,
        get types() {
          return typesOf();
        },
      };
      return target ? [[path, target] as const] : [];
    }),
  );
  const routes = createRoutes(
    [...methods].flatMap(([method, target]) =>
      httpRuleOf(target.desc).bindings.map((binding) => ({ method, binding, target, since: 0 })),
    ),
  );
  return {
    get: methods.get(`/${OPERATIONS.fullName}/GetOperation`),
    cancel: methods.get(`/${OPERATIONS.fullName}/CancelOperation`),
    method: (path) => methods.get(path),
    route: (verb, path) => routes.match(verb, path),
    redirect(call) {
      const { method } = call.target;
      if (!METHODS.has(method.path)) return call;
      const service = operationService(readRequest(call));
      const found = catalogue.services.find(({ name }) => name === service);
      if (found === undefined || !hasOperations(found)) throw gatewayErrors.NO_OPERATIONS({ service });
      return { ...call, target: { ...call.target, method: { ...method, service } } };
    },
  };
}

/** Whether a method answers with an operation, which goes on. */
export const startsOperation = ({ output }: DescMethod): boolean => output.typeName === 'google.longrunning.Operation';

/** Whether outsiders may see the operations of a service: it has some, and they may call each method that starts one. */
function hasOperations({ desc, methods }: PublicService): boolean {
  const starting = desc.methods.filter(startsOperation);
  const isPublic = (name: string) => methods.some((method) => method.desc.name === name);
  return starting.length > 0 && starting.every(({ name }) => isPublic(name));
}

/** The fields that say which service is meant; none if the request can't be read. */
function readRequest({ request, target: { method } }: BackendCall) {
  const payload = typeof request === 'function' ? request(undefined) : request;
  if (payload === undefined || payload.stream) return {};
  try {
    return READERS.get(method.name)?.(payload.message) ?? {};
  } catch {
    return {}; // No service is named, which is the error that the client gets.
  }
}

/** The types that operations may end with: those of all services' contracts. */
function createTypes(catalogue: Pick<Catalogue, 'services' | 'revision'>): () => Registry {
  let made: { readonly revision: number; readonly types: Registry } | undefined;
  return () => {
    const { services, revision } = catalogue;
    const typesOf = ({ methods: [method] }: PublicService) => (method === undefined ? [] : [method.types]);
    if (made?.revision !== revision) made = { revision, types: createRegistry(...services.flatMap(typesOf)) };
    return made.types;
  };
}
