import { callPrincipal, type Principal, type ServerCall } from '@rondo/rpc/call';
import { type Reply, type RequestOf, runInScope, type ServiceDefinition } from '@rondo/rpc/internal';
import type { Middleware, Next } from '@rondo/rpc/middleware';
import type { Part } from '@rondo/rpc/server';
import { Missing, NotVisible } from '../domain/errors.js';
import { hiddenByRule } from '../list.js';

/**
 * The rule of a method: it throws an error of the service's domain if the principal may not make the call, and `NotVisible` if it
 * doesn't see the resource. It runs before the handler, and gets the request as the caller sent it.
 */
export type Rule<Request> = (request: Request, principal: Principal) => Promise<void> | void;

/** The rule of each method of a service; `everyone` for those that need none. A method without an entry doesn't compile. */
export type Rules<D extends ServiceDefinition> = {
  readonly [K in keyof D['methods']]: 'everyone' | Rule<RequestOf<D['methods'][K]>>;
};

type AnyRule = 'everyone' | Rule<never>;

/** The rules of a service, by the paths of its methods. */
export type RulesByPath = readonly (readonly [path: string, rule: AnyRule])[];

/** The rules of the methods of a service; `everyone` if its handlers keep them, as those of a resource with `visibleTo` do. */
export function rulesOf<D extends ServiceDefinition>(
  definition: D,
  rules: Rules<NoInfer<D>> | 'everyone',
): RulesByPath {
  const byKey: Readonly<Record<string, AnyRule | undefined>> = rules === 'everyone' ? {} : rules;
  return Object.entries(definition.methods).map(([key, { name }]) => {
    const rule = rules === 'everyone' ? 'everyone' : byKey[key];
    if (rule === undefined) throw new TypeError(`${definition.fullName}/${name} has no rule: add "${key}"`);
    return [`/${definition.fullName}/${name}`, rule] as const;
  });
}

/** Options of {@link createRules}. */
export interface RulesOptions {
  readonly rules: readonly RulesByPath[];
  /** The status of a domain error. */
  readonly toRpcError: (error: unknown) => unknown;
}

/**
 * Middleware that keeps the rules of a service. They apply to calls with a principal. A call without one is a process's own: the
 * contract says which processes may make it. Methods of other packages, such as those of two-phase commit, act for the service;
 * a method of the same package without an entry fails.
 */
export function createRules({ rules, toRpcError }: RulesOptions): Middleware<ServerCall> {
  const byPath = new Map(rules.flat());
  const packages = new Set([...byPath.keys()].map(packageOf));
  const refused = (call: ServerCall, error: unknown): unknown => {
    if (error instanceof NotVisible) {
      call.values.set(hiddenByRule, error.cause instanceof Missing ? error.cause.resources[0] : '');
    }
    return toRpcError(error);
  };
  const ruleOf = (path: string): AnyRule => {
    const rule = byPath.get(path);
    if (rule === undefined && packages.has(packageOf(path)))
      throw new TypeError(`${path} has no rule: add its service`);
    return rule ?? 'everyone';
  };
  const apply = async (call: ServerCall, principal: Principal, next: Next<ServerCall>): Promise<Reply> => {
    const rule = ruleOf(call.method.path);
    try {
      // The request is read for the first time here.
      if (rule !== 'everyone') await runInScope(call, async () => rule(messageOf(call) as never, principal));
      return await next(call);
    } catch (error) {
      throw refused(call, error);
    }
  };
  return (call, next) => {
    const principal = call.values.get(callPrincipal);
    return principal === undefined ? next(call) : apply(call, principal, next);
  };
}

/** The rules of a service as one of its parts: {@link createRules} around its handlers. */
export const rulesPart = (options: RulesOptions): Part => ({ name: 'the rules', middleware: [createRules(options)] });

/** `sales.v1` of `/sales.v1.OrderService/GetOrder`. */
const packageOf = (path: string): string => path.slice(1, path.lastIndexOf('.'));

function messageOf({ request, method }: ServerCall): unknown {
  if (request.stream) throw new TypeError(`${method.path} has a stream of requests; its rule needs one request`);
  return request.message;
}
