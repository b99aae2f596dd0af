import { Operation } from '@rondo/contracts/google/longrunning/operations';
import type { MethodDefinition } from '@rondo/rpc/internal';
import { RpcError, statusFromCode } from '@rondo/rpc/status';
import { keyOfStep, LIMITS, readJson, statusOf, writeJson } from './outcome.js';
import {
  type Ended,
  type LoadedRun,
  type NewStep,
  type Outcome,
  RunBlocked,
  type RunStore,
  type StepKind,
} from './store.js';
import { type Run, RunFailed, type Undoable, type Workflow } from './workflow.js';

/** A call as a step makes it. */
interface StepCall {
  readonly method: MethodDefinition;
  readonly request: Uint8Array;
  readonly key: string;
  readonly signal: AbortSignal;
}

/** How calls are made. */
export interface StepCaller {
  /** The request, encoded, with the key if that is a field of it. @throws RunBlocked for a method that must not be called. */
  encode(
    method: MethodDefinition,
    request: object,
    options: { readonly key: string; readonly atLeastOnce: boolean },
  ): Uint8Array;
  /** The encoded response. @throws RpcError */
  call(call: StepCall): Promise<Uint8Array>;
  /** What has become of an operation. If it goes on and `cancels`, it is cancelled. @throws RpcError */
  look(name: string, options: { readonly cancels: boolean; readonly signal: AbortSignal }): Promise<Operation>;
  /** Whether the error is the outcome for good, as the contract says. */
  isFinal(method: MethodDefinition, error: RpcError): boolean;
  /** For how long a repetition takes no further effect, in milliseconds. */
  repeatableMs(method: MethodDefinition, atLeastOnce: boolean): number;
}

/** What the execution of a run needs. */
export interface ExecutionOptions {
  readonly workflow: Workflow;
  readonly name: string;
  readonly run: LoadedRun;
  readonly store: RunStore;
  readonly caller: StepCaller;
  /** Aborts if the process stops, or no longer has the run. */
  readonly signal: AbortSignal;
  /** Whether it only finds out if the function fits what is recorded: nothing is called, written or recorded. */
  readonly isTrial?: boolean;
}

/** A step that has begun, as its work sees it. */
export interface Begun {
  readonly request: Uint8Array;
  readonly beginTime: Date;
  readonly undoing: boolean;
  /** Whether it ends if it can, as the run is to be undone. */
  readonly cancels: boolean;
  /** That of a child, once it has started. */
  readonly operation: string | undefined;
  /** Gives an outcome its place. @throws RunBlocked for one that is too large. */
  readonly place: (outcome: Outcome) => Ended;
}

/** A step that the function asks for. `make` does its work; undefined if it ends later. A transaction records its outcome itself. */
export interface Asked {
  readonly step: Omit<NewStep, 'undoing' | 'request'>;
  /** The method that it calls, such as `sales.v1.OrderService/Ship`. */
  readonly callee?: string;
  readonly request?: () => Uint8Array;
  readonly make: (begun: Begun) => Promise<Outcome | Ended | undefined>;
  readonly decode: (bytes: Uint8Array | null) => unknown;
  readonly undo?: ((made: never) => Promise<unknown>) | undefined;
  readonly resolve: (value: never) => void;
  readonly reject: (error: RunFailed) => void;
}

/** The run that a function sees: `ask` makes its steps. */
export function createRun(
  { run, name, caller, store, signal }: ExecutionOptions,
  ask: <T>(asked: Omit<Asked, 'resolve' | 'reject'>) => Promise<T>,
): Run {
  const json = (kind: StepKind, step: string, { undo }: Undoable<never>) => ({
    step: { name: step, kind },
    undo,
    decode: readJson,
  });
  return {
    name,
    key: (step) => keyOfStep(run.id, step),
    call(step, method, ...[request, { undo, atLeastOnce = false } = {}]) {
      const key = keyOfStep(run.id, step);
      const { responseType } = method.operation ?? method;
      const start = async ({ request: sent, beginTime }: Begun) => {
        const ageMs = run.now.getTime() - beginTime.getTime();
        if (ageMs >= caller.repeatableMs(method, atLeastOnce)) throw forgotten(step, method, ageMs);
        return await orFinal(
          async () => ({ code: 0, bytes: await caller.call({ method, request: sent, key, signal }) }),
          (error) => caller.isFinal(method, error),
        );
      };
      const child = async (begun: Begun): Promise<Outcome | undefined> => {
        const { beginTime, cancels } = begun;
        const started = begun.operation === undefined ? await start(begun) : undefined;
        if (started !== undefined && started.code !== 0) return started;
        const name = begun.operation ?? Operation.decode(started?.bytes ?? new Uint8Array()).name;
        const ageMs = started === undefined ? run.now.getTime() - beginTime.getTime() : 0;
        await store.follow(
          step,
          name,
          cancels ? LOOK_MS.cancelled : Math.min(Math.max(ageMs / 2, LOOK_MS.least), LOOK_MS.most),
        );
        if (started !== undefined && !cancels) return undefined;
        return outcomeOf(await caller.look(name, { cancels, signal }));
      };
      return ask({
        step: { name: step, kind: method.operation === undefined ? 'call' : 'child' },
        callee: `${method.service}/${method.name}`,
        request: () => caller.encode(method, request, { key, atLeastOnce }),
        undo,
        decode: (bytes) => responseType.decode(bytes ?? new Uint8Array()),
        make: method.operation === undefined ? start : child,
      });
    },
    transaction: (step, work, options = {}) =>
      ask({
        ...json('transaction', step, options),
        make: ({ undoing, place }) =>
          orFinal(() =>
            store.transaction({ name: step, kind: 'transaction', undoing }, async (queries) =>
              place(writeJson(step, await work(queries))),
            ),
          ),
      }),
    step: (step, work, options = {}) =>
      ask({
        ...json('step', step, options),
        make: () => orFinal(async () => writeJson(step, await work(signal))),
      }),
    wait: (step, type, { for: ms, signal: awaited = step } = {}) =>
      ask({
        step: { name: step, kind: 'wait', ms, signal: awaited },
        make: later,
        decode: (bytes) => (bytes === null ? undefined : type.decode(bytes)),
      }),
    sleep: (step, ms) => ask({ step: { name: step, kind: 'sleep', ms }, make: later, decode: () => undefined }),
  };
}

/** When a parent asks again for its child, if its end doesn't wake it: at half of its age. */
const LOOK_MS = { least: 1_000, most: 600_000, cancelled: 5_000 };

/** How an operation has ended; undefined if it hasn't. */
function outcomeOf({ result }: Operation): Outcome | undefined {
  if (result === undefined) return undefined;
  return result.$case === 'error'
    ? statusOf({ ...result.value, code: statusFromCode(result.value.code) })
    : { code: 0, bytes: result.value.value };
}

const forgotten = (step: string, { name }: MethodDefinition, ageMs: number) =>
  new RunBlocked(
    `${step} may have called ${name} ${Math.floor(ageMs / 1_000)} s ago, and its outcome may no longer be stored: see what has become of it, then retry the run to call again, or cancel it to undo the other steps alone`,
    step,
  );

/** What a step returns, or the final error with which it ends. */
async function orFinal<T>(make: () => Promise<T>, isFinal: (error: RpcError) => boolean = () => false) {
  try {
    return await make();
  } catch (error) {
    if (error instanceof RunFailed || (error instanceof RpcError && isFinal(error))) return statusOf(error);
    throw error;
  }
}

const later = () => Promise.resolve(undefined);

/** Why a step may not have a name, next to those of the function's other steps. */
export function faultOfName(name: string, others: ReadonlySet<string>): string | undefined {
  if (name === '' || name.length > LIMITS.name)
    return `the name of a step has 1 to ${LIMITS.name} characters; "${name.slice(0, 20)}" has ${name.length}`;
  if (!others.has(name)) return undefined;
  return `two steps have the name ${name}: a loop names its steps by data, such as mail-\${order}`;
}

/** How a step is undone. */
export interface Undo {
  readonly name: string;
  readonly place: number;
  readonly make: () => Promise<unknown>;
}

/** A step and its undo. Of a step that is unsure the value is undefined, as its type says. */
export const undoOf = ({ step, undo }: Asked, place: number, value: unknown): Undo => ({
  name: step.name,
  place,
  make: async () => await undo?.(value as never),
});
