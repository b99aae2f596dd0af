export interface Place {
  /** The path as the user would write it. */
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
}

/** A request that can't be fulfilled: the reason and a remedy. It is thrown before anything is changed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  /** @param remedy what to do about it, as a clause: `name another file`. */
  constructor(reason: string, { place, remedy }: { readonly place?: Place; readonly remedy: string }) {
    const at = place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `;
    super(`${at}${reason}; ${remedy}`);
  }
}
