import type { PathTemplate } from './template.js';

/** A template, and the HTTP method that it is for. */
export interface Bound {
  readonly verb: string;
  readonly template: PathTemplate;
}

/**
 * The paths that a binding takes, as text: the names of variables left out. Two bindings of equal shape conflict, as each
 * path that fits one of them also fits the other. Of two that differ, the more specific one takes a path that fits both:
 * segment by segment, a literal comes before `*`, and `*` before `**`.
 */
export function shapeOf({ verb, template }: Bound): string {
  const segments = template.segments.map((segment) =>
    segment.kind === 'literal' ? segment.text : segment.kind === 'one' ? '*' : '**',
  );
  return `${verb} /${segments.join('/')}${template.verb === '' ? '' : `:${template.verb}`}`;
}

/** Pairs of bindings that conflict: each with the first one of its shape, in the order of `bindings`. */
export function findConflicts<T extends Bound>(
  bindings: readonly T[],
): readonly { readonly first: T; readonly second: T }[] {
  const firsts = new Map<string, T>();
  return bindings.flatMap((second) => {
    const shape = shapeOf(second);
    const first = firsts.get(shape);
    if (first !== undefined) return [{ first, second }];
    firsts.set(shape, second);
    return [];
  });
}

/** Paths that the gateway answers itself: its pages and its health. */
const OWN_PATHS: ReadonlySet<string> = new Set(['openapi.json', 'healthz', 'readyz']);

/** Whether the gateway answers all paths of a template itself, so that it can't be bound. */
export function isReserved({ segments, verb }: PathTemplate): boolean {
  const [first] = segments;
  if (first?.kind !== 'literal') return false;
  if (first.text === 'docs') return segments.length > 1 || verb === '';
  return segments.length === 1 && verb === '' && OWN_PATHS.has(first.text);
}
