import { createRoutes, type HttpBinding } from '@rondo/schema/http';
import type { Catalogue, PublicMethod, PublicService, Route } from './catalogue.js';
import type { Contract, ContractMethod } from './contract.js';
import { isPublic } from './exposure.js';
import type { ServiceVersions } from './versions.js';

type Routes = ReturnType<typeof createRoutes<PublicMethod>>;
type Found = NonNullable<ReturnType<Routes['match']>>;
type FoundRoute = Extract<Found, { readonly binding: unknown }>;

/** The public services and routes, computed from one state of the services. It looks up instances in the live state. */
export interface View extends Pick<Catalogue, 'services' | 'routes' | 'route'> {
  readonly methods: ReadonlyMap<string, PublicMethod>;
}

/** Whether a service may be offered: its contract is known, and none of its versions keeps it inside. */
export function isOffered({ contracts }: ServiceVersions): boolean {
  return contracts.length > 0 && contracts.every(({ isPublic }) => isPublic);
}

/** How long a service without instances keeps its paths from other packages, so that a restart gives them to none. */
const HOLD_MS = 60_000;

/** Makes the view of the public services among `all`. `now` is the time as of {@link ServiceVersions.leftAt}. */
export function createView(
  all: readonly ServiceVersions[],
  now = () => 0,
  owners: Parameters<typeof createRoutes>[1] = [],
): View {
  const leftAt = new Map(all.map((versions) => [versions.service, versions.leftAt]));
  const offers = all.filter(isOffered).flatMap(toOffer).sort(byName);
  const entriesOf = (some: readonly Offer[]) => some.flatMap(({ entries }) => entries);
  const running = createRoutes(entriesOf(offers.filter(({ service }) => service.instances > 0)), owners);
  // A service without instances must not keep paths from a running one for long, such as its successor under another name.
  const gone = createRoutes(entriesOf(offers.filter(({ service }) => service.instances === 0)), owners);
  const isHeld = (left: FoundRoute, by: FoundRoute) =>
    now() - (leftAt.get(left.target.method.service) ?? 0) < HOLD_MS &&
    left.package !== by.package &&
    left.since <= by.since;
  const methods = offers.flatMap(({ service }) => service.methods);
  return {
    methods: new Map(methods.map((method) => [method.method.path, method])),
    services: offers.map(({ service }) => service),
    routes: offers.flatMap(({ entries }) => toRoutes(entries, [...running.disabled, ...gone.disabled])),
    route(verb, path) {
      const found = running.match(verb, path);
      const left = gone.match(verb, path);
      if (!isRoute(found)) return isRoute(left) ? left : (found ?? left);
      return isRoute(left) && isHeld(left, found) ? left : found;
    },
  };
}

const isRoute = (found: Found | undefined): found is FoundRoute => found !== undefined && 'target' in found;
type Entry = Parameters<typeof createRoutes<PublicMethod>>[0][number];

/** A service, and the bindings of its methods in all its versions. */
interface Offer {
  readonly service: PublicService;
  readonly entries: readonly Entry[];
}

const byName = (one: Offer, other: Offer) => (one.service.name < other.service.name ? -1 : 1);

function toOffer(versions: ServiceVersions): readonly Offer[] {
  const { service: name, contracts, instances, since } = versions;
  const [first] = contracts;
  if (first === undefined) return [];
  const methods = new Map<string, PublicMethod>();
  const entries: Entry[] = [];
  for (const contract of contracts) {
    for (const [method, found] of contract.methods) {
      if (contracts.some(({ methods: own }) => isInternal(own.get(method)))) continue;
      const target = methods.get(method) ?? toPublicMethod(found, contract, versions);
      methods.set(method, target);
      for (const binding of found.bindings) entries.push({ method: target.method.path, binding, target });
    }
  }
  const distinct = distinctEntries(entries).map((entry) => (inEvery(entry, contracts) ? { ...entry, since } : entry));
  const bindings = distinct.map(({ binding }) => binding);
  const service = { name, desc: first.desc, methods: [...methods.values()], bindings, instances };
  return [{ service, entries: distinct }];
}

const isInternal = (method: ContractMethod | undefined) => method !== undefined && !isPublic(method.desc);

/** Whether each version of the contract has the binding. If only some have it, the binding doesn't count as old as its service. */
function inEvery({ binding, target }: Entry, contracts: readonly Contract[]): boolean {
  const { verb, template } = binding;
  const isSame = (one: HttpBinding) => one.verb === verb && one.template.text === template.text;
  return contracts.every(({ methods }) => methods.get(target.method.name)?.bindings.some(isSame));
}

/** Versions of one contract mostly have the same bindings. The first of each counts. */
function distinctEntries(entries: readonly Entry[]): readonly Entry[] {
  const found = new Map<string, Entry>();
  for (const entry of entries) {
    const key = `${entry.method} ${entry.binding.verb} ${entry.binding.template.text}`;
    if (!found.has(key)) found.set(key, entry);
  }
  return [...found.values()];
}

function toPublicMethod(found: ContractMethod, contract: Contract, versions: ServiceVersions): PublicMethod {
  const { method, desc, int64AsNumber } = found;
  return {
    method,
    desc,
    types: contract.types,
    int64AsNumber,
    versions: versions.contracts.flatMap(({ methods }) => methods.get(method.name)?.desc ?? []),
    descAt: (endpoint) => (endpoint ? versions.contractAt(endpoint)?.methods.get(method.name)?.desc : desc),
  };
}

function toRoutes(entries: readonly Entry[], disabled: Routes['disabled']): readonly Route[] {
  const takenBy = new Map<HttpBinding, string>(disabled.map(({ entry, by }) => [entry.binding, by]));
  return entries.map(({ target, binding }) => ({ target, binding, takenBy: takenBy.get(binding) }));
}
