import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, staticResolver } from '@rondo/rpc/client';
import { type Clock, systemClock, systemRandom, type Timer } from '@rondo/rpc/clock';
import {
  encodeMessage,
  type MessageType,
  type OperationMethod,
  type OutcomeOf,
  type RequestInit,
} from '@rondo/rpc/internal';
import { seededRandom } from '@rondo/rpc/testing';
import { conduct, faultOf } from './conduct.js';
import type { Verdict } from './execution.js';
import { MemoryRun } from './memory-store.js';
import { CANCELLED, failureIn } from './outcome.js';
import { createStepCaller } from './step-caller.js';
import { RunBlocked } from './store.js';
import type { Workflow } from './workflow.js';

/** What a run in a test works with. */
export interface TestRunOptions {
  /** Decides when sleeps and waits end, and failed steps are tried again: advance it. */
  readonly clock: Clock;
  /** Carries the calls of the run: `createTestChannel`, to stand-ins or to whole services. */
  readonly channel?: Channel;
  /** What `run.transaction` works with, such as `(work) => database.transaction(work)`; without it no step may have one. */
  readonly transaction?: <T>(work: (transaction: Queries) => Promise<T>) => Promise<T>;
  /** Default: 12. */
  readonly maxAttempts?: number;
}

/** A run in a test. */
export interface TestRun<M extends OperationMethod> {
  /**
   * Resolves to what the operation ends with. Rejects with its error, with the reason why the run waits for an operator, or with that of a step
   * which has failed, if the clock hasn't advanced 3 s later: the step would be tried again by the clock.
   */
  readonly outcome: Promise<OutcomeOf<M>>;
  /** Resolves once the run sleeps, waits or has ended: call it before the clock advances. */
  idle(): Promise<void>;
  /** The names of the steps whose outcomes are recorded, in their order. */
  steps(): readonly string[];
  /** Sends a signal. */
  signal<T>(name: string, type: MessageType<T>, message: Parameters<MessageType<T>['fromPartial']>[0]): void;
  /** Cancels the run: it is undone. */
  cancel(): void;
  /** Ends the process of the run, as a crash does. Another goes on from what is recorded, at once. */
  crash(): void;
}

/** So long a test may take to advance its clock, in milliseconds: fewer than Jest waits for a test by default. */
const PATIENCE_MS = 3_000;

/** Calls `reject` if the test doesn't advance its clock after a step has failed. */
function watchClock(verdict: Verdict, clock: Clock, reject: (error: Error) => void): Timer | undefined {
  if (verdict.next !== 'retry') return undefined;
  const [fault, now] = [faultOf(verdict), clock.now()];
  const remedy = "it is tried again once the test's clock advances; list the code in final_codes if it is final";
  const look = () => (clock.now() === now ? reject(new Error(`${fault}; ${remedy}`)) : undefined);
  return systemClock.setTimer(PATIENCE_MS, look, { keepAlive: false });
}

/** Executes a run in a test, without a database or a server, by a clock that the test advances. */
export function testRun<M extends OperationMethod>(
  { method, body }: Workflow<M>,
  request: RequestInit<M>,
  options: TestRunOptions,
): TestRun<M> {
  const { clock, transaction, maxAttempts = 12 } = options;
  const channel = options.channel ?? createChannel({ resolver: staticResolver([]) });
  const encoded = encodeMessage(method.requestType, method.requestType.fromPartial(Object(request)));
  const run = new MemoryRun({ id: systemRandom.hex(10), request: encoded, clock, transaction });
  const common = {
    workflow: { method, body },
    name: 'operations/test/RUN',
    caller: createStepCaller(() => channel),
    maxAttempts,
  };
  const [random, log] = [seededRandom(1), silentLogger];
  let process = new AbortController();
  let timer: Timer | undefined;
  let watch: Timer | undefined;
  let working: Promise<void> = Promise.resolve();
  let over: { resolve(outcome: OutcomeOf<M>): void; reject(error: Error): void } | undefined;
  const outcome = new Promise<OutcomeOf<M>>((resolve, reject) => {
    over = { resolve, reject };
  });
  outcome.catch(() => undefined); // the test awaits it, perhaps later
  const end = (verdict: Verdict) => {
    const { outcome: ended, blocked } = run;
    if (blocked !== undefined) over?.reject(new RunBlocked(blocked));
    else if (ended?.code === 0)
      over?.resolve(method.operation.responseType.decode(ended.bytes ?? new Uint8Array()) as OutcomeOf<M>);
    else if (ended !== undefined) over?.reject(failureIn(ended));
    else if (run.dueAt < Infinity) {
      timer = clock.setTimer(run.dueAt - clock.now(), goOn);
      watch = watchClock(verdict, clock, (error) => over?.reject(error));
    }
  };
  function goOn(): void {
    timer?.cancel();
    watch?.cancel();
    process.abort(new Error('the process ends'));
    process = new AbortController();
    const { signal } = process;
    run.attempts += 1;
    working = conduct({ ...common, store: run.store(), signal, attempts: run.attempts, random, log }).then(
      (verdict) => (signal.aborted ? undefined : end(verdict)),
      (error: unknown) =>
        signal.aborted ? undefined : over?.reject(error instanceof Error ? error : new Error(String(error))),
    );
  }
  goOn();
  return {
    outcome,
    async idle() {
      for (let seen: Promise<void> | undefined; seen !== working; ) {
        seen = working;
        await seen;
      }
    },
    steps: () =>
      [...run.steps.values()]
        .filter((step) => step.outcome)
        .sort((one, other) => one.place - other.place)
        .map(({ name }) => name),
    signal(name, type, message) {
      run.signals.push({ name, value: encodeMessage(type, type.fromPartial(Object(message))) });
      if (timer !== undefined || run.dueAt === Infinity) goOn();
    },
    cancel() {
      run.failure ??= CANCELLED;
      goOn();
    },
    crash: goOn,
  };
}
