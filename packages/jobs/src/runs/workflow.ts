import type { Queries } from '@rondo/database';
import type {
  MessageType,
  MethodDefinition,
  OperationMethod,
  OutcomeInit,
  OutcomeOf,
  RequestInit,
  RequestOf,
  ResponseOf,
} from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** A workflow: a method that starts runs, and the function of a run. {@link workflow} makes it. */
export interface Workflow<M extends OperationMethod = OperationMethod> {
  readonly method: M;
  readonly body: (request: never, run: Run) => Promise<object>;
}

/**
 * A function that goes on after a crash and a sleep. It is called again from its start, and each step that has been recorded gives its outcome
 * at once. So it decides only by its request and by the outcomes of steps, and awaits nothing else: what depends on time, chance or other
 * systems is a step.
 */
export const workflow = <M extends OperationMethod>(
  method: M,
  body: (request: RequestOf<M>, run: Run) => Promise<OutcomeInit<M> & object>,
): Workflow<M> => ({ method, body });

/** How a step is undone if the run fails or is cancelled: by steps of its own. The steps of a run are undone last first. */
export interface Undoable<T> {
  readonly undo?: (made: T) => Promise<unknown>;
}

/** What a call of a run returns: the response, or what the operation ends with that it starts. */
export type CallResult<M extends MethodDefinition> = M extends OperationMethod ? OutcomeOf<M> : ResponseOf<M>;

/**
 * A run, as its function sees it. Each step has a name, at most 200 characters and unique in the run; a loop names its steps by data:
 * `mail-${order}`. A step that fails is tried again, with pauses, and the function doesn't see it. The exception is what a contract calls
 * final, or a {@link RunFailed}: it is the step's outcome, and is thrown.
 */
export interface Run {
  /** The name of its operation. */
  readonly name: string;
  /** A key of the run and a step, the same in each attempt, for a system outside that recognises what it gets again. */
  key(step: string): string;
  /**
   * Calls a method of any service once: with a key of the run and the step. A repetition sends the request of the first attempt. If the method
   * starts an operation, such as a run of another workflow, the step ends as that does; until then no process, timer or connection is held. If
   * this run fails or is cancelled, the operation is cancelled, and its end is awaited before the undos.
   */
  call<M extends MethodDefinition>(
    step: string,
    method: M,
    request: RequestInit<M>,
    options?: Undoable<CallResult<M>> & {
      /** Allows a method without idempotency: it may be called more than once. */
      readonly atLeastOnce?: boolean;
    },
  ): Promise<CallResult<M>>;
  /** Writes into the service's own database once: the outcome commits with what `work` writes. The result is stored as JSON. */
  transaction<T>(step: string, work: (transaction: Queries) => Promise<T>, options?: Undoable<T>): Promise<T>;
  /**
   * Does anything else, at least once. The result is stored as JSON. `undo` gets undefined if it isn't known what became of the step. The
   * signal aborts if another process has the run.
   */
  step<T>(step: string, work: (signal: AbortSignal) => Promise<T> | T, options?: Undoable<T | undefined>): Promise<T>;
  /**
   * Waits for the next signal of a name, also one that came before; undefined after the time `for`, in milliseconds. Without it, it waits as
   * long as the run may last.
   */
  wait<T>(
    step: string,
    type: MessageType<T>,
    options?: {
      readonly for?: number;
      /** The name of the signal; that of the step by default. */
      readonly signal?: string;
    },
  ): Promise<T | undefined>;
  /** Sleeps for so many milliseconds. Neither process, timer nor connection is held. */
  sleep(step: string, ms: number): Promise<void>;
}

/** Ends a run with an error, once its undos are made. Thrown in a step, it is the step's outcome. A final error of a call is one, too. */
export class RunFailed extends RpcError {
  constructor(
    message: string,
    { code = Status.FAILED_PRECONDITION, details = [] }: Partial<Pick<RpcError, 'code' | 'details'>> = {},
  ) {
    super(code, message, { details });
  }
}

/** Minutes in milliseconds. */
export const minutes = (count: number): number => count * 60_000;
/** Hours in milliseconds. */
export const hours = (count: number): number => count * 3_600_000;
/** Days of 24 hours in milliseconds. */
export const days = (count: number): number => count * 86_400_000;
