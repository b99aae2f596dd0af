import type { Queries } from '@rondo/database';

/** What a step does. An `undo` marks that the undo of a step was made. */
export type StepKind = 'call' | 'child' | 'transaction' | 'step' | 'wait' | 'sleep' | 'undo';

/** How a step or a run has ended: a result, or an encoded `google.rpc.Status` if the code isn't 0. */
export interface Outcome {
  readonly code: number;
  /** Protobuf or JSON; null for undefined. */
  readonly bytes: Uint8Array | null;
}

/** A step that has begun. */
export interface StepRecord {
  readonly name: string;
  readonly kind: StepKind;
  /** Whether it is a step of an undo. */
  readonly undoing: boolean;
  /** Of a call. */
  readonly request: Uint8Array | null;
  /** Of a child that has started: the name of its operation. */
  readonly operation?: string | null;
  readonly beginTime: Date;
  readonly outcome: Outcome | undefined;
  /** The order of the outcomes. */
  readonly place: number;
}

/** A step that begins. */
export type NewStep = Pick<StepRecord, 'name' | 'kind' | 'undoing'> & {
  readonly request?: Uint8Array | undefined;
  /** Of a wait or a sleep, if it ends by itself. */
  readonly ms?: number | undefined;
  /** The name of the signal of a wait. */
  readonly signal?: string | undefined;
};

/** A step that ends. */
export type Ended = Pick<StepRecord, 'name' | 'place'> & { readonly outcome: Outcome };

/** A run with its records, as a process reads it when it goes on. */
export interface LoadedRun {
  readonly id: string;
  readonly request: Uint8Array;
  /** With what it ends after its undos; undefined before it has failed. */
  readonly failure: Outcome | undefined;
  readonly createTime: Date;
  readonly now: Date;
  readonly steps: readonly StepRecord[];
}

/** The records of a run that a process has claimed. Each change is made only while the claim holds. @throws ClaimLost otherwise. */
export interface RunStore {
  load(): Promise<LoadedRun>;
  /** Records that a step begins. @throws RunCancelled if it mustn't any more. */
  begin(step: NewStep): Promise<void>;
  end(step: Ended): Promise<void>;
  /** Records the operation of a child, and in how many milliseconds it is looked at again. Its end in the same database wakes the run sooner. */
  follow(step: string, operation: string, ms: number): Promise<void>;
  /** Runs `work` in a transaction, and records its outcome in it. */
  transaction(step: NewStep, work: (transaction: Queries) => Promise<Ended>): Promise<Ended>;
  /** Ends the first of these waits and sleeps whose signal or time has come. If there is none, gives the run back: `paused`. */
  advance(names: readonly string[], place: number): Promise<Ended | 'paused'>;
  /** Records that the run has failed and is undone from now on. */
  fail(outcome: Outcome): Promise<void>;
  /** Ends the run. */
  finish(outcome: Outcome): Promise<void>;
  /** Gives the run back, to be tried again. @throws RunCancelled if it is to be undone instead, as also of `block`. */
  retry(why: { readonly error: string; readonly waitMs: number; readonly attempts: number }): Promise<void>;
  /** Gives the run back to processes whose function fits its records: that of this process doesn't. */
  park(reason: string): Promise<void>;
  /** Lets the run wait for an operator. `step`: what the operator decides about. */
  block(reason: string, step?: string): Promise<void>;
}

/** Another process has the run, or it has ended. */
export class ClaimLost extends Error {}

/** The run was cancelled. */
export class RunCancelled extends Error {}

/** The function of this process doesn't fit what the run has recorded, or can't be executed; the message says why. Another version may. */
export class RunUnfit extends Error {}

/** A run that must wait for an operator; the message says why, and what to do. */
export class RunBlocked extends Error {
  /** What the operator decides about, if it is one step. */
  readonly step: string | undefined;

  constructor(reason: string, step?: string) {
    super(reason);
    this.step = step;
  }
}
