/**
 * One figure beside its bound.
 *
 * @param what was measured.
 * @param figures `measured` and `bound` as text; `holds`; `guarded: false` where a control may hold it, too.
 */
export function row(what, { measured, bound, holds, guarded = true }) {
  return { what, measured, bound, holds: holds === true, guarded };
}

/** A part of a whole as people read it. */
export const percent = (share) => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;

/** Seconds as people read them; `never` where there are none. */
export const seconds = (ms) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`);
