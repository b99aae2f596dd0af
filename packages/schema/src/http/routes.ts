import type { HttpBinding } from './binding.js';
import { shapeOf } from './conflicts.js';
import { segmentsOf, variablesOf } from './template.js';

/** A binding, and what a path that fits it leads to. */
export interface RouteEntry<T> {
  /** The path of the method, such as `/projects.v1.ProjectService/GetProject`. It decides conflicts. */
  readonly method: string;
  readonly binding: HttpBinding;
  readonly target: T;
}

/** The route that a request's path fits. */
export interface FoundRoute<T> {
  readonly target: T;
  readonly binding: HttpBinding;
  /** The decoded values of the path's variables, by field path. */
  readonly variables: ReadonlyMap<string, string>;
}

/** The routes of many bindings. */
export interface Routes<T> {
  /**
   * Finds the route of a request: segment by segment, a literal before `*`, and `*` before `**`. Text after the last colon
   * is taken as a custom verb if there is such a route. HEAD takes the route of GET.
   *
   * @param path as received, percent-encoded, without the query.
   * @returns `allow` with HTTP methods if the path fits only with them; undefined if it fits nothing.
   */
  match(verb: string, path: string): FoundRoute<T> | { readonly allow: readonly string[] } | undefined;
  /** Bindings that are off, because the binding of another method takes the same paths. */
  readonly disabled: readonly { readonly entry: RouteEntry<T>; readonly by: RouteEntry<T> }[];
}

/** One segment of all the templates of an HTTP method. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  one: Node<T> | undefined;
  rest: Node<T> | undefined;
  /** The routes that end here, by custom verb. */
  readonly ends: Map<string, RouteEntry<T>>;
}

/** The kind of a custom rule that takes every HTTP method. */
const ANY_VERB = '*';

/**
 * Makes routes of bindings. If bindings of several methods conflict, the lexically first method has the paths, so that
 * every gateway decides alike. A method may have the same binding several times, from several versions of its contract;
 * then the first one counts.
 */
export function createRoutes<T>(entries: readonly RouteEntry<T>[]): Routes<T> {
  const owners = new Map<string, RouteEntry<T>>();
  const disabled: { entry: RouteEntry<T>; by: RouteEntry<T> }[] = [];
  const roots = new Map<string, Node<T>>();
  for (const entry of [...entries].sort((a, b) => compare(a.method, b.method))) {
    const shape = shapeOf(entry.binding);
    const by = owners.get(shape);
    if (by === undefined) {
      owners.set(shape, entry);
      insert(rootOf(roots, entry.binding.verb), entry);
    } else if (by.method !== entry.method) {
      disabled.push({ entry, by });
    }
  }
  return { disabled, match: (verb, path) => match(roots, verb, path) };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const newNode = <T>(): Node<T> => ({ literals: new Map(), one: undefined, rest: undefined, ends: new Map() });

function rootOf<T>(roots: Map<string, Node<T>>, verb: string): Node<T> {
  const root = roots.get(verb) ?? newNode<T>();
  roots.set(verb, root);
  return root;
}

function insert<T>(root: Node<T>, entry: RouteEntry<T>): void {
  const { segments, verb } = entry.binding.template;
  let node = root;
  for (const segment of segments) {
    if (segment.kind === 'literal') {
      const next = node.literals.get(segment.text) ?? newNode<T>();
      node.literals.set(segment.text, next);
      node = next;
    } else if (segment.kind === 'one') {
      node.one ??= newNode<T>();
      node = node.one;
    } else {
      node.rest ??= newNode<T>();
      node = node.rest;
    }
  }
  node.ends.set(verb, entry);
}

function match<T>(roots: ReadonlyMap<string, Node<T>>, verb: string, path: string): ReturnType<Routes<T>['match']> {
  const ways = waysOf(path);
  const tried = verb === 'HEAD' ? ['HEAD', 'GET', ANY_VERB] : [verb, ANY_VERB];
  for (const name of tried) {
    const found = find(roots.get(name), ways);
    if (found !== undefined) return found;
  }
  const allow = [...roots].filter(([, root]) => find(root, ways) !== undefined).map(([name]) => name);
  if (allow.length === 0) return undefined;
  return { allow: [...new Set([...allow, ...(allow.includes('GET') ? ['HEAD'] : [])])].sort() };
}

/** A reading of a path. The text after the last colon may be a custom verb, or part of the last segment. */
interface Way {
  readonly segments: readonly string[];
  readonly verb: string;
}

function waysOf(path: string): readonly Way[] {
  const segments = segmentsOf(path);
  const last = segments.at(-1) ?? '';
  const colon = last.lastIndexOf(':');
  const whole = { segments, verb: '' };
  if (colon < 0 || colon === last.length - 1) return [whole];
  return [{ segments: [...segments.slice(0, -1), last.slice(0, colon)], verb: last.slice(colon + 1) }, whole];
}

function find<T>(root: Node<T> | undefined, ways: readonly Way[]): FoundRoute<T> | undefined {
  if (root === undefined) return undefined;
  for (const way of ways) {
    const entry = descend(root, way, 0);
    const variables = entry && variablesOf(entry.binding.template, way.segments);
    if (entry !== undefined && variables !== undefined)
      return { target: entry.target, binding: entry.binding, variables };
  }
  return undefined;
}

function descend<T>(node: Node<T>, way: Way, index: number): RouteEntry<T> | undefined {
  const segment = way.segments[index];
  const literal = segment === undefined ? undefined : node.literals.get(segment);
  const one = segment === undefined || segment === '' ? undefined : node.one;
  return (
    (segment === undefined ? node.ends.get(way.verb) : undefined) ??
    (literal && descend(literal, way, index + 1)) ??
    (one && descend(one, way, index + 1)) ??
    (node.rest && afterRest(node.rest, way, index))
  );
}

/** `**` takes as few segments as it can: what stands behind it in a template is more specific. */
function afterRest<T>(rest: Node<T>, way: Way, index: number): RouteEntry<T> | undefined {
  for (let next = index; next <= way.segments.length; next += 1) {
    const found = descend(rest, way, next);
    if (found !== undefined) return found;
  }
  return undefined;
}
