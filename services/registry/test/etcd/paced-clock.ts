import { ManualClock } from '@rondo/rpc/testing';

/** What goes by a clock that a test moves, but lives outside of this process. */
export interface Paced {
  /** When it does something next. */
  nextMs(): number | undefined;
  /** Does what is due by now. */
  act(nowMs: number): Promise<void>;
  /** Resolves once nothing is under way. */
  quiet(): Promise<void>;
}

/** A clock that a test moves, and that goes no further before what goes by it has done what was due. */
export class PacedClock extends ManualClock {
  readonly #paced = new Set<Paced>();

  pace(paced: Paced): void {
    this.#paced.add(paced);
  }

  override async advance(ms: number): Promise<void> {
    const untilMs = this.now() + ms;
    for (let dueMs = this.#nextMs(untilMs); dueMs !== undefined; dueMs = this.#nextMs(untilMs)) {
      await super.advance(Math.max(0, dueMs - this.now()));
      await this.#act();
    }
    await super.advance(untilMs - this.now());
    await this.#act();
  }

  #nextMs(untilMs: number): number | undefined {
    const times = [...this.#paced].flatMap((paced) => paced.nextMs() ?? []).filter((at) => at <= untilMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #act(): Promise<void> {
    for (const paced of this.#paced) {
      await paced.act(this.now());
      await paced.quiet();
    }
  }
}
