import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';
import { activeTrace, runInTrace } from '../call/scope.js';

/**
 * A context manager of OpenTelemetry that keeps its context where Rondo keeps the call that is being served. On Node 20 OpenTelemetry's
 * own costs every promise of the process about as much again. Functions can be bound; an event emitter stays as it is.
 */
export function createContextManager(): ContextManager {
  const manager: ContextManager = {
    active: () => activeTrace()?.context ?? ROOT_CONTEXT,
    with: (context, work, ...rest) =>
      runInTrace({ context }, () => Reflect.apply(work, rest[0], rest.slice(1)), undefined),
    bind: (context, target) => (typeof target === 'function' ? bound(context, target) : target),
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

/** `target`, which runs within `context`. */
function bound<T extends object>(context: Context, target: T): T {
  const run = function (this: unknown, ...given: unknown[]): unknown {
    return runInTrace({ context }, () => Reflect.apply(target as never, this, given), undefined);
  };
  return Object.assign(run, target);
}
