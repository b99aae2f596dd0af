import type { Queries } from '@rondo/database';
import type { Clock } from '@rondo/rpc/clock';
import {
  ClaimLost,
  type Ended,
  type LoadedRun,
  type NewStep,
  type Outcome,
  RunBlocked,
  RunCancelled,
  type RunStore,
  type StepRecord,
} from './store.js';

type MemoryStep = StepRecord & Pick<NewStep, 'signal'> & { readonly dueAt: number };

/** What a test gives a {@link MemoryRun}. */
interface MemoryRunOptions {
  readonly id: string;
  readonly request: Uint8Array;
  readonly clock: Clock;
  /** What `run.transaction` works with; by default no step has one. */
  readonly transaction?: (<T>(work: (transaction: Queries) => Promise<T>) => Promise<T>) | undefined;
}

/** The records of a run in memory, for tests. One execution has the run at a time: that of the last {@link store}. */
export class MemoryRun {
  readonly #options: MemoryRunOptions;
  readonly #createTime: Date;
  readonly steps = new Map<string, MemoryStep>();
  readonly signals: { readonly name: string; readonly value: Uint8Array }[] = [];
  failure: Outcome | undefined;
  /** How the run has ended. */
  outcome: Outcome | undefined;
  /** Why it waits for an operator. */
  blocked: string | undefined;
  dueAt = -Infinity;
  attempts = 0;
  #claims = 0;

  constructor(options: MemoryRunOptions) {
    this.#options = options;
    this.#createTime = new Date(options.clock.now());
  }

  load(): LoadedRun {
    const { id, request, clock } = this.#options;
    const now = new Date(clock.now());
    return { id, request, failure: this.failure, createTime: this.#createTime, now, steps: [...this.steps.values()] };
  }

  #end({ name, place, outcome }: Ended): void {
    const step = this.steps.get(name);
    if (step !== undefined) this.steps.set(name, { ...step, place, outcome });
  }

  #begin({ request, ms = Infinity, ...step }: NewStep): void {
    const now = this.#options.clock.now();
    this.steps.set(step.name, {
      ...step,
      request: request ?? null,
      outcome: undefined,
      place: 0,
      beginTime: new Date(now),
      dueAt: now + ms,
    });
  }

  #advance(names: readonly string[], place: number): Ended | 'paused' {
    const waits = names.flatMap((name) => this.steps.get(name) ?? []);
    for (const { name, kind, signal, dueAt } of waits) {
      if (kind === 'child') continue;
      const at = this.signals.findIndex((sent) => sent.name === signal);
      if (at < 0 && dueAt > this.#options.clock.now()) continue;
      const [sent] = at < 0 ? [] : this.signals.splice(at, 1);
      const ended = { name, place, outcome: { code: 0, bytes: sent?.value ?? null } };
      this.#end(ended);
      return ended;
    }
    this.attempts = 0;
    this.dueAt = Math.min(...waits.map(({ dueAt }) => dueAt));
    return 'paused';
  }

  /** The records for one execution. Earlier ones record nothing any more, as after a crash. */
  store(): RunStore {
    this.#claims += 1;
    const claim = this.#claims;
    let isUndone = false;
    const held = async <T>(work: () => T): Promise<T> => {
      if (claim !== this.#claims) throw new ClaimLost();
      return work();
    };
    const going = <T>(work: () => T) =>
      held(() => {
        if (this.failure !== undefined && !isUndone) throw new RunCancelled();
        return work();
      });
    const begin = (step: NewStep) => going(() => this.#begin(step));
    return {
      load: () =>
        held(() => {
          isUndone = this.failure !== undefined;
          return this.load();
        }),
      begin,
      follow: (name, operation, ms) =>
        held(() => {
          const step = this.steps.get(name);
          if (step !== undefined) this.steps.set(name, { ...step, operation, dueAt: this.#options.clock.now() + ms });
        }),
      end: (ended) => held(() => this.#end(ended)),
      transaction: async (step, work) => {
        const { transaction } = this.#options;
        if (transaction === undefined) throw new RunBlocked(`${step.name} is a transaction: give testRun one`);
        const ended = await transaction(work);
        await begin(step);
        this.#end(ended);
        return ended;
      },
      advance: (names, place) => going(() => this.#advance(names, place)),
      fail: (outcome) =>
        held(() => {
          this.failure ??= outcome;
        }),
      finish: (outcome) =>
        going(() => {
          this.outcome = outcome;
        }),
      retry: ({ waitMs, attempts }) =>
        going(() => {
          this.dueAt = this.#options.clock.now() + waitMs;
          this.attempts = attempts;
        }),
      park: (reason) =>
        going(() => {
          this.blocked = reason;
        }),
      block: (reason) =>
        going(() => {
          this.blocked = reason;
        }),
    };
  }
}
