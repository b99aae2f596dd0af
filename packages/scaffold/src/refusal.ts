/** Where in a file something is wrong. */
export interface Place {
  /** As the user would write it. */
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
}

/** What can't be done, why, and what would help: told before anything has been changed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly place: Place | undefined;

  /** @param remedy What to do about it, as a clause: `name another file`. */
  constructor(reason: string, { place, remedy }: { readonly place?: Place; readonly remedy: string }) {
    const at = place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `;
    super(`${at}${reason}; ${remedy}`);
    this.place = place;
  }
}
