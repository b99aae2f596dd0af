import { nearest } from '@rondo/rpc/internal';

/** ` Did you mean "…"?`, or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : ` Did you mean "${meant}"?`;
}
