/** What a simulation found to be wrong. */
export interface Finding {
  /** The promise that was broken. */
  readonly rule: Rule;
  readonly node: string;
  readonly detail: string;
}

/** The promises that are checked. */
export type Rule =
  | 'a safe call fails only where no instance could take it'
  | 'nobody calls an instance after hearing that it wants no calls'
  | 'nothing is kept after its time'
  | 'a goodbye is final'
  | 'an instance is its own alone'
  | 'the later incarnation wins'
  | 'whoever lives is registered again in time'
  | 'order never goes back'
  | 'every watcher converges'
  | 'nothing runs away';

/** The first thing that was wrong, with how it came to that. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: Rule;

  constructor({ rule, node, detail }: Finding, { atMs, trace }: { readonly atMs: number; readonly trace: string }) {
    super(`${rule}, but at ${(atMs / 1000).toFixed(3)} s ${node}: ${detail}\nthe last events:\n${trace}`);
    this.rule = rule;
  }
}
