/** What a step is done with. */
export interface StepContext<Input> {
  /** The saga's id. */
  readonly sagaId: string;
  /** The same each time that the step is done, and no other step's: what it calls takes it as its `request_id`. */
  readonly key: string;
  /** What the saga was started with, as JSON has it. */
  readonly input: Input;
  /** What the steps before returned, by their names, as JSON has it. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Aborts when the step takes too long, or the process stops. */
  readonly signal: AbortSignal;
}

/** A step of a saga. */
export interface SagaStep<Input> {
  /** Unique in its saga. */
  readonly name: string;
  /**
   * Does it; it may be done more than once, also after it has been done. What it returns goes through JSON. It throws
   * `StepRefused` where it will never do; anything else is tried again.
   */
  run(context: StepContext<Input>): Promise<unknown>;
  /** Undoes it, be it that it was done or not; where it can't, nothing has to be undone. */
  compensate?(context: StepContext<Input>): Promise<void>;
}

/** Long work in steps: each is done, or what was done before it is undone, the last first. */
export interface SagaDefinition<Input> {
  /** Names it for ever, such as `cancel-order`. */
  readonly kind: string;
  /** Steps may be added at the end where sagas of the kind are under way; not taken away, nor their order changed. */
  readonly steps: readonly SagaStep<Input>[];
}

/** A step that will never do: what was done before it is undone. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused';
}
