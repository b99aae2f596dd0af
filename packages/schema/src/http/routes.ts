import type { HttpBinding } from './binding.js';
import { shapeOf } from './conflicts.js';
import { segmentsOf, variablesOf } from './template.js';

/** A binding, and what a path that fits it leads to. */
export interface RouteEntry<T> {
  /** The path of the method, such as `/projects.v1.ProjectService/GetProject`. */
  readonly method: string;
  /**
   * When the method's service first registered: of several packages that claim a path, the earliest has it. Missing: last; if no
   * package has a time, none has the path.
   */
  readonly since?: number;
  readonly binding: HttpBinding;
  readonly target: T;
}

/** Says which service has all paths that begin with some segments, whenever it registered. */
export interface PathOwner {
  /** Such as `/v1/orders`. */
  readonly path: string;
  /** A service, or the beginning of its package: `sales`, `sales.v1`, `sales.v1.OrderService`. */
  readonly owner: string;
}

/** The route that a request's path fits. */
export interface FoundRoute<T> {
  readonly target: T;
  /** The package of its method, without a version. */
  readonly package: string;
  /** As in {@link RouteEntry}; a large number if it is missing. */
  readonly since: number;
  readonly binding: HttpBinding;
  /** The decoded values of the path's variables, by field path. */
  readonly variables: ReadonlyMap<string, string>;
}

/** The routes of many bindings. */
export interface Routes<T> {
  /**
   * Finds the route of a request. Of the packages whose routes fit, the one that registered first has the path; without times, none.
   * Of its routes, segment by segment, a literal comes before `*`, and `*` before `**`. Text after the last colon
   * is taken as a custom verb if there is such a route. HEAD takes the route of GET.
   *
   * @param path as received, percent-encoded, without the query.
   * @returns `allow` with HTTP methods if the path fits only with them; undefined if it fits nothing.
   */
  match(verb: string, path: string): FoundRoute<T> | { readonly allow: readonly string[] } | undefined;
  /**
   * Bindings that are off, because another claims all their paths: `by` is its method, or the owner that was configured. If no time
   * says which was first, the other is off as well.
   */
  readonly disabled: readonly { readonly entry: RouteEntry<T>; readonly by: string }[];
}

/** One segment of all the templates of an HTTP method. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  one: Node<T> | undefined;
  rest: Node<T> | undefined;
  /** The routes that end here, by custom verb: of each package the first. */
  readonly ends: Map<string, RouteEntry<T>[]>;
}

/** A longer path fits nothing: the time grows with the square of its segments. */
const MAX_SEGMENTS = 500;

/** The kind of a custom rule that takes every HTTP method. */
const ANY_VERB = '*';

/**
 * Makes routes of bindings. A method may have the same binding several times, from several versions of its
 * contract; then the first one counts.
 *
 * Packages belong to different teams, or to an attacker. A route never takes paths from a route of another package
 * that registered before, even if its template is more specific. Inside a package the more specific template wins.
 */
export function createRoutes<T>(entries: readonly RouteEntry<T>[], owners: readonly PathOwner[] = []): Routes<T> {
  const roots = new Map<string, Node<T>>();
  const sorted = [...entries].sort((a, b) => since(a) - since(b) || compare(a.method, b.method));
  for (const entry of sorted) insert(rootOf(roots, entry.binding.verb), entry);
  const table = { roots, owners };
  return {
    disabled: sorted.flatMap((entry) => {
      const by = claimantOf(entry, table);
      return by === undefined || by === entry.method ? [] : [{ entry, by }];
    }),
    match: (verb, path) => match(table, verb, path),
  };
}

interface Table<T> {
  readonly roots: ReadonlyMap<string, Node<T>>;
  readonly owners: readonly PathOwner[];
}

/** A large number: the difference of two is a number. */
const since = ({ since: time = Number.MAX_VALUE }: RouteEntry<unknown>) => Math.min(time, Number.MAX_VALUE);

/** The package of a method's path, without its version: `/sales.v1.OrderService/PlaceOrder` is of `sales`. */
const packageOf = (method: string): string =>
  method.replace(/^\/(?:([^/]*)\.)?.*$/, '$1').replace(/\.v\d+(?:(?:alpha|beta)\d*)?$/, '');

/** Chooses among the routes that fit a path, of which the most specific is the first: one package's, or several without a time. */
function choose<T>(fitting: readonly RouteEntry<T>[], owner: string | undefined): readonly RouteEntry<T>[] {
  const isOwned = ({ method }: RouteEntry<T>) => method.startsWith(`/${owner}.`) || method.startsWith(`/${owner}/`);
  const allowed = owner === undefined ? fitting : fitting.filter(isOwned);
  if (allowed.length < 2) return allowed;
  const earliest = allowed.reduce((one, other) => (since(other) < since(one) ? other : one));
  if (since(earliest) === Number.MAX_VALUE) return allowed;
  return allowed.filter(({ method }) => packageOf(method) === packageOf(earliest.method));
}

/** The first of routes, unless they are of several packages. */
function winnerOf<T>(chosen: readonly RouteEntry<T>[]): RouteEntry<T> | undefined {
  return new Set(chosen.map(({ method }) => packageOf(method))).size === 1 ? chosen[0] : undefined;
}

/** The configured owner of a path, with or without a custom verb. */
function ownerOf(path: readonly string[], owners: readonly PathOwner[]): string | undefined {
  const begins = (one: PathOwner) =>
    segmentsOf(one.path).every((part, index) => path[index]?.split(':', 1)[0] === part);
  return owners.find(begins)?.owner;
}

/** The method that has all paths of a binding, or one that claims them too: its own, if it is on. */
function claimantOf<T>({ binding, method: own }: RouteEntry<T>, { roots, owners }: Table<T>): string | undefined {
  const ways = waysOf(shapeOf(binding).slice(binding.verb.length + 1)).map((way) => ({ ...way, isTemplate: true }));
  const owner = ownerOf(ways[0]?.segments ?? [], owners);
  const fitting = verbsOf(binding.verb).flatMap((verb) => fittingIn(roots.get(verb), ways));
  const chosen = choose(fitting, owner);
  const rival = chosen.find(({ method }) => packageOf(method) !== packageOf(own));
  return (winnerOf(chosen) ?? rival)?.method ?? owner;
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
  const ends = node.ends.get(verb) ?? [];
  node.ends.set(verb, ends);
  const name = packageOf(entry.method);
  if (!ends.some(({ method }) => packageOf(method) === name)) ends.push(entry);
}

function match<T>({ roots, owners }: Table<T>, verb: string, path: string): ReturnType<Routes<T>['match']> {
  const segments = segmentsOf(path);
  if (roots.size === 0 || segments.length > MAX_SEGMENTS) return undefined;
  const ways = waysOf(path);
  const variables = ({ binding: { template } }: RouteEntry<T>) =>
    variablesOf(template, template.verb === '' ? segments : (ways[0]?.segments ?? segments));
  const fittingWith = (name: string) =>
    fittingIn(roots.get(name), ways).filter((entry) => variables(entry) !== undefined);
  const fitting = verbsOf(verb).flatMap(fittingWith);
  const entry = winnerOf(choose(fitting, ownerOf(segments, owners)));
  const values = entry && variables(entry);
  if (entry !== undefined && values !== undefined) {
    const { target, binding, method } = entry;
    return { target, binding, variables: values, package: packageOf(method), since: since(entry) };
  }
  const allow = [...roots.keys()].filter((name) => fittingWith(name).length > 0);
  if (fitting.length > 0 || allow.length === 0) return undefined;
  return { allow: [...new Set([...allow, ...(allow.includes('GET') ? ['HEAD'] : [])])].sort() };
}

/** The HTTP methods of the rules that a request fits, the most specific first. */
const verbsOf = (verb: string) => (verb === 'HEAD' ? ['HEAD', 'GET', ANY_VERB] : [verb, ANY_VERB]);

/** A reading of a path. The text after the last colon may be a custom verb, or part of the last segment. */
interface Way {
  readonly segments: readonly string[];
  readonly verb: string;
  /** The path is that of a template: only `**` takes its `**`. */
  readonly isTemplate?: boolean;
}

function waysOf(path: string): readonly Way[] {
  const segments = segmentsOf(path);
  const last = segments.at(-1) ?? '';
  const colon = last.lastIndexOf(':');
  const whole = { segments, verb: '' };
  if (colon < 0 || colon === last.length - 1) return [whole];
  return [{ segments: [...segments.slice(0, -1), last.slice(0, colon)], verb: last.slice(colon + 1) }, whole];
}

/** The routes that the readings of a path fit, the most specific first. */
function fittingIn<T>(root: Node<T> | undefined, ways: readonly Way[]): readonly RouteEntry<T>[] {
  const found: RouteEntry<T>[] = [];
  if (root !== undefined) for (const way of ways) descend(root, way, { index: 0, found });
  return found;
}

interface Descent<T> {
  readonly index: number;
  readonly found: RouteEntry<T>[];
}

function descend<T>(node: Node<T>, way: Way, { index, found }: Descent<T>): void {
  const segment = way.segments[index];
  const next = { index: index + 1, found };
  if (segment === undefined) found.push(...(node.ends.get(way.verb) ?? []));
  else {
    const literal = node.literals.get(segment);
    if (literal !== undefined) descend(literal, way, next);
    const fitsOne = segment !== '' && !(way.isTemplate && segment.startsWith('**'));
    if (node.one !== undefined && fitsOne) descend(node.one, way, next);
  }
  if (node.rest === undefined) return;
  // `**` takes as few segments as it can: what stands behind it in a template is more specific.
  for (let after = index; after <= way.segments.length; after += 1) descend(node.rest, way, { index: after, found });
}
