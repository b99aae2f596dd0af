import { encodeMessage } from '@rondo/rpc/internal';
import { CANCELLED, failureIn, isMisread, LIMITS, statusOf, tooLarge } from './outcome.js';
import { type Asked, createRun, type ExecutionOptions, faultOfName, type Undo, undoOf } from './steps.js';
import { ClaimLost, type Ended, type Outcome, RunBlocked, RunCancelled, RunUnfit, type StepRecord } from './store.js';
import { RunFailed } from './workflow.js';

/** What becomes of a run after an execution. */
export type Verdict =
  | { readonly next: 'finish' | 'fail'; readonly outcome: Outcome }
  /** `asked`: the step whose work has failed, if one has. `progressed`: outcomes were recorded before. */
  | { readonly next: 'retry'; readonly error: unknown; readonly asked: Asked | undefined; readonly progressed: boolean }
  /** This function doesn't fit what is recorded. */
  | { readonly next: 'park'; readonly reason: string }
  /** `step`: what the operator's decision is about. */
  | { readonly next: 'block'; readonly reason: string; readonly step?: string | undefined }
  /** It was cancelled. */
  | { readonly next: 'again' }
  /** It was given back, or another process has it. */
  | { readonly next: 'leave' };

/** How the function has ended. */
type Returned = { readonly value: object } | { readonly error: unknown };

/**
 * Calls the function of a run once. Steps that are recorded give their outcomes, one at a time in the order in which they were recorded, each
 * after everything that the one before has set off. New steps begin once all of them have been read. The execution is over if the function has
 * ended or waits, or if a step has failed.
 *
 * If the run is to be undone, the function first replays: no new step begins, and the undos of what was done are collected. A trial replays,
 * and ends without an effect: with `park` if the function doesn't fit.
 */
export class Execution {
  readonly #options: ExecutionOptions;
  readonly #records: ReadonlyMap<string, StepRecord>;
  readonly #names = new Set<string>();
  /** What the function has recorded, and hasn't asked for yet. */
  readonly #unread: Set<string>;
  /** Recorded outcomes that the function waits for: it gets one in a turn of the event loop, as when it is called again. */
  readonly #replies: { readonly asked: Asked; readonly ended: Ended }[] = [];
  /** Steps that may not begin yet, or never. */
  readonly #held = new Map<string, () => void>();
  /** Waits and sleeps that have begun. */
  readonly #waiting = new Map<string, Asked>();
  readonly #undos: Undo[] = [];
  #mode: 'forward' | 'replay' | 'undo' | 'trial';
  #busy = 0;
  #looking = false;
  #count: number;
  #bytes: number;
  readonly #placeAtFirst: number;
  #place: number;
  #ending: Promise<void> = Promise.resolve();
  #returned: Returned | undefined;
  #verdict: Verdict | undefined;
  #over: ((verdict: Verdict) => void) | undefined;

  constructor(options: ExecutionOptions) {
    const { steps, failure } = options.run;
    this.#options = options;
    this.#records = new Map(steps.map((step) => [step.name, step]));
    this.#unread = new Set(steps.filter(({ undoing }) => !undoing).map(({ name }) => name));
    this.#mode = failure === undefined ? 'forward' : 'replay';
    if (options.isTrial) this.#mode = 'trial';
    this.#count = steps.length;
    this.#bytes = steps.reduce((sum, { outcome }) => sum + (outcome?.bytes?.length ?? 0), 0);
    this.#placeAtFirst = steps.reduce((last, { place }) => Math.max(last, place), 0);
    this.#place = this.#placeAtFirst;
  }

  /** Resolves once it is over. It records nothing later. */
  async run(): Promise<Verdict> {
    const { workflow, run, signal } = this.#options;
    const over = new Promise<Verdict>((resolve) => {
      this.#over = resolve;
    });
    const leave = () => this.#finish({ next: 'leave' });
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    else if (this.#mode === 'forward' && run.now.getTime() - run.createTime.getTime() >= LIMITS.ms)
      this.#finish({
        next: 'block',
        reason: 'the run is a year old, the longest that a run lasts: cancel it, and start another',
      });
    else if (isMisread(workflow, run.request))
      this.#finish({ next: 'park', reason: 'its request has what this contract does not read: deploy one that does' });
    else {
      const request = workflow.method.requestType.decode(run.request);
      // The request is of the type that the body was given for.
      void (async () =>
        workflow.body(
          request as never,
          createRun(this.#options, (asked) => this.#ask(asked)),
        ))().then(
        (value) => this.#return({ value }),
        (error: unknown) => this.#return({ error }),
      );
      this.#look();
    }
    return await over.finally(() => signal.removeEventListener('abort', leave));
  }

  #return(returned: Returned): void {
    this.#returned = returned;
    this.#look();
  }

  #finish(verdict: Verdict): void {
    this.#verdict ??= verdict;
    this.#over?.(verdict);
    this.#over = undefined;
  }

  /** Something has failed: what runs is recorded yet, and nothing begins. */
  #fault(error: unknown, asked?: Asked): void {
    if (error instanceof ClaimLost || this.#options.signal.aborted) this.#finish({ next: 'leave' });
    else if (error instanceof RunCancelled) this.#verdict ??= { next: 'again' };
    else if (error instanceof RunBlocked) this.#verdict ??= { next: 'block', reason: error.message, step: error.step };
    else if (error instanceof RunUnfit) this.#verdict ??= { next: 'park', reason: error.message };
    else this.#verdict ??= { next: 'retry', error, asked, progressed: this.#place > this.#placeAtFirst };
    this.#look();
  }

  /** Looks what is outstanding, once everything has run that can without it: in a turn of the event loop of its own. */
  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      try {
        this.#goOn();
      } catch (error) {
        this.#fault(error);
      }
    });
  }

  #goOn(): void {
    const [isForward, isHeld, isIdle] = [this.#mode === 'forward', this.#held.size > 0, this.#busy === 0];
    if (this.#over === undefined) return;
    if (this.#verdict !== undefined) {
      if (isIdle) this.#finish(this.#verdict);
    } else if (this.#reply()) this.#look();
    else if (isForward && isHeld && this.#unread.size === 0) this.#release();
    else if (!isIdle) return;
    else if (this.#mode === 'replay' && this.#waiting.size > 0)
      void this.#advance(); // children end before
    else if (this.#mode !== 'undo' && this.#returned !== undefined) this.#conclude(this.#returned);
    else if (this.#mode === 'trial') this.#speculate();
    else if (this.#mode === 'replay' && isHeld) this.#beginUndos();
    else if (this.#waiting.size > 0) void this.#advance();
    else if (isForward && isHeld) this.#park();
  }

  /** Gives the function the recorded outcome that was recorded first, of those that it asks for. */
  #reply(): boolean {
    let [first] = this.#replies;
    if (first === undefined) return false;
    for (const reply of this.#replies) if (reply.ended.place < first.ended.place) first = reply;
    this.#replies.splice(this.#replies.indexOf(first), 1);
    this.#deliver(first.asked, first.ended);
    return true;
  }

  #release(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const begin of held) begin();
  }

  #park(): void {
    const [unread, held] = [this.#unread, this.#held.keys()].map((names) => [...names].slice(0, 3).join(', '));
    const does = this.#returned !== undefined ? 'ends' : held === '' ? 'waits' : `asks for ${held}`;
    const what = `the function ${does}, and has not asked for ${unread}, which is recorded`;
    const reason = `${what}: it doesn't decide by its steps alone, or is another version. Deploy a function that fits`;
    this.#finish({ next: 'park', reason });
  }

  /** What hasn't been read may be asked for after a wait, which ends in a trial without a signal. */
  #speculate(): void {
    const [first] = this.#unread.size > 0 ? this.#waiting.values() : [];
    if (first === undefined) {
      this.#beginUndos();
      return;
    }
    const { name } = first.step;
    this.#waiting.delete(name);
    this.#place += 1;
    this.#deliver(first, { name, place: this.#place, outcome: { code: 0, bytes: null } });
  }

  /** The function has ended. */
  #conclude(returned: Returned): void {
    const error = 'error' in returned ? returned.error : undefined;
    const failed = error instanceof RunFailed;
    if (this.#unread.size > 0 && (failed || 'value' in returned)) this.#park();
    else if (this.#options.run.failure !== undefined) this.#beginUndos();
    else if (failed) this.#finish({ next: 'fail', outcome: statusOf(error) });
    else if ('error' in returned)
      // It decides by its steps alone, so it would throw this again.
      this.#finish({ next: 'park', reason: `the function throws ${String(error)}: deploy one that doesn't` });
    else {
      const { responseType } = this.#options.workflow.method.operation;
      const bytes = encodeMessage(responseType, responseType.fromPartial(returned.value));
      this.#finish({ next: 'finish', outcome: { code: 0, bytes } });
    }
  }

  /** What the function has done is known: undoes it, last first. */
  #beginUndos(): void {
    if (this.#unread.size > 0) {
      this.#park();
      return;
    }
    if (this.#mode === 'trial') {
      this.#finish({ next: 'leave' });
      return;
    }
    this.#mode = 'undo';
    this.#held.clear();
    this.#waiting.clear();
    const { run } = this.#options;
    const undoAll = async () => {
      for (const { name, make } of this.#undos.toSorted((one, other) => other.place - one.place)) {
        // The space doesn't break, as in no name of a step. That of a version before did.
        const former = this.#records.get(`undo ${name}`);
        const marker = former?.kind === 'undo' ? former.name : `undo\u00a0${name}`;
        const record = this.#records.get(marker);
        if (record?.outcome !== undefined) continue;
        if (record === undefined) await this.#begin({ name: marker, kind: 'undo' }, undefined);
        try {
          await make();
        } catch (error) {
          if (!(error instanceof RunFailed)) throw error;
          const remedy = 'undo it by hand, then retry the run, which goes on with what else is to undo';
          throw new RunBlocked(`${name} can't be undone: ${error.message}; ${remedy}`, marker);
        }
        await this.#end({ name: marker, kind: 'undo' }, { code: 0, bytes: null });
      }
    };
    void undoAll().then(
      () => this.#finish({ next: 'finish', outcome: run.failure ?? CANCELLED }),
      (error: unknown) => this.#fault(error),
    );
  }

  async #advance(): Promise<void> {
    this.#busy += 1;
    try {
      const ended = await this.#options.store.advance([...this.#waiting.keys()], this.#place + 1);
      const asked = ended === 'paused' ? undefined : this.#waiting.get(ended.name);
      if (ended === 'paused' || asked === undefined) this.#finish({ next: 'leave' });
      else {
        this.#place += 1;
        this.#waiting.delete(ended.name);
        this.#replies.push({ asked, ended });
      }
    } catch (error) {
      this.#fault(error);
    } finally {
      this.#busy -= 1;
      this.#look();
    }
  }

  /** A step that the function asks for: its record, or its work. */
  #ask<T>(asked: Omit<Asked, 'resolve' | 'reject'>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const all: Asked = { ...asked, resolve, reject };
      try {
        this.#accept(all);
        this.#look();
      } catch (error) {
        this.#fault(error);
      }
    });
  }

  #accept(asked: Asked): void {
    const { name, kind } = asked.step;
    const fault = faultOfName(name, this.#names);
    if (fault !== undefined) {
      if (this.#mode !== 'replay') throw new RunUnfit(fault);
      this.#held.set(name, () => undefined); // it never began, and what did is undone
      return;
    }
    this.#names.add(name);
    const record = this.#records.get(name);
    if (record === undefined) {
      this.#hold(asked);
      return;
    }
    if (record.kind !== kind)
      throw new RunUnfit(`${name} is a ${kind} of the function, and was recorded as a ${record.kind}`);
    this.#unread.delete(name);
    const { outcome, place } = record;
    if (outcome !== undefined) this.#replies.push({ asked, ended: { name, place, outcome } });
    else if (kind === 'wait' || kind === 'sleep') {
      if (this.#mode === 'replay') this.#held.set(name, () => undefined);
      else this.#waiting.set(name, asked);
    } else if (this.#mode === 'trial') this.#held.set(name, () => undefined);
    else if (this.#mode === 'replay' && kind === 'step') {
      if (asked.undo !== undefined) this.#undos.push(undoOf(asked, Infinity, undefined));
      this.#held.set(name, () => undefined);
    } else void this.#make(asked, record);
  }

  /** A new step begins once everything has been read; in a replay never. */
  #hold(asked: Asked): void {
    const { name } = asked.step;
    if (this.#mode === 'forward' && this.#count >= LIMITS.steps)
      throw new RunBlocked(
        `the run has ${LIMITS.steps} steps, the most: cancel it, and let its function start further runs`,
      );
    const free = this.#mode === 'undo' || (this.#mode === 'forward' && this.#unread.size === 0);
    if (free && this.#verdict === undefined) void this.#make(asked, undefined);
    else this.#held.set(name, () => void this.#make(asked, undefined));
  }

  async #make(asked: Asked, record: StepRecord | undefined): Promise<void> {
    const { step } = asked;
    this.#busy += 1;
    this.#count += Number(record === undefined);
    try {
      const request = record?.request ?? asked.request?.();
      if (record === undefined && step.kind !== 'transaction') await this.#begin(step, request);
      const { mode, options } = { mode: this.#mode, options: this.#options };
      const begun = { request: request ?? new Uint8Array(), beginTime: record?.beginTime ?? options.run.now };
      const about = { undoing: mode === 'undo', cancels: mode === 'replay', operation: record?.operation ?? undefined };
      const made = await this.#inPlace(step.name, (place) => asked.make({ ...begun, ...about, place }));
      if (made === undefined) this.#waiting.set(step.name, asked);
      else {
        const ended = 'place' in made ? made : await this.#end(step, made);
        this.#replies.push({ asked, ended });
      }
    } catch (error) {
      this.#fault(error, asked);
    } finally {
      this.#busy -= 1;
      this.#look();
    }
  }

  async #begin(step: Asked['step'], request: Uint8Array | undefined): Promise<void> {
    await this.#options.store.begin({ ...step, undoing: this.#mode === 'undo', request });
  }

  /** Records an outcome, one after the other: their order is that of replays. */
  #end(step: Asked['step'], outcome: Outcome): Promise<Ended> {
    const { store } = this.#options;
    const ended = this.#placed(step.name, outcome);
    // A transaction that has failed was rolled back, with its beginning.
    const failed = step.kind === 'transaction' && { ...step, undoing: this.#mode === 'undo' };
    const recorded = this.#ending.then(async () => {
      if (failed) await store.transaction(failed, () => Promise.resolve(ended));
      else await store.end(ended);
    });
    this.#ending = recorded.catch(() => undefined);
    return recorded.then(() => ended);
  }

  /** Makes a step that may record its outcome itself. What gets a later place is recorded later, and what has an earlier one is there before. */
  async #inPlace<T>(name: string, make: (place: (outcome: Outcome) => Ended) => Promise<T>): Promise<T> {
    let earlier: Promise<void> | undefined;
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const place = (outcome: Outcome) => {
      const ended = this.#placed(name, outcome);
      earlier = this.#ending;
      this.#ending = Promise.all([earlier, over]).then(() => undefined);
      return ended;
    };
    const result = await make(place).finally(end);
    await earlier;
    return result;
  }

  #placed(name: string, outcome: Outcome): Ended {
    const size = outcome.bytes?.length ?? 0;
    this.#bytes += size;
    // Undos may go beyond the bound of the run.
    if (size > LIMITS.resultBytes || (this.#mode === 'forward' && this.#bytes > LIMITS.bytes))
      throw tooLarge(name, size);
    this.#place += 1;
    return { name, place: this.#place, outcome };
  }

  #deliver(asked: Asked, { outcome, place }: Ended): void {
    if (outcome.code !== 0) asked.reject(failureIn(outcome));
    else {
      const value = asked.decode(outcome.bytes);
      if (asked.undo !== undefined && this.#mode !== 'undo') this.#undos.push(undoOf(asked, place, value));
      asked.resolve(value as never); // as its contract or its caller says
    }
    this.#look();
  }
}
