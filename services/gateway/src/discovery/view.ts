import { createRoutes, type HttpBinding, type RouteEntry, type Routes } from '@rondo/schema/http';
import type { Catalogue, PublicMethod, PublicService, Route } from './catalogue.js';
import type { Contract, ContractMethod } from './contract.js';
import type { ServiceVersions } from './versions.js';

/** What the gateway offers, from one state of the services. It looks up instances in the live state. */
export interface View extends Pick<Catalogue, 'services' | 'routes' | 'route'> {
  /** By the path of the method. */
  readonly methods: ReadonlyMap<string, PublicMethod>;
}

/** Whether a service may be offered: its contract is known, and none of its versions keeps it inside. */
export function isOffered({ contracts }: ServiceVersions): boolean {
  return contracts.length > 0 && contracts.every(({ isPublic }) => isPublic);
}

/** Makes the view of the public ones among `all`. */
export function createView(all: Iterable<ServiceVersions>): View {
  const offers = [...all].filter(isOffered).flatMap(toOffer).sort(byName);
  const running = createRoutes(offers.filter(({ service }) => service.instances > 0).flatMap(({ entries }) => entries));
  // A service without instances must not keep paths from a running one, such as its successor under another name.
  const gone = createRoutes(offers.filter(({ service }) => service.instances === 0).flatMap(({ entries }) => entries));
  const methods = offers.flatMap(({ service }) => service.methods);
  return {
    methods: new Map(methods.map((method) => [method.method.path, method])),
    services: offers.map(({ service }) => service),
    routes: offers.flatMap(({ entries }) => toRoutes(entries, [...running.disabled, ...gone.disabled])),
    route(verb, path) {
      const found = running.match(verb, path);
      if (found !== undefined && 'target' in found) return found;
      const left = gone.match(verb, path);
      return left !== undefined && 'target' in left ? left : (found ?? left);
    },
  };
}

/** A service, and the bindings of its methods in all its versions. */
interface Offer {
  readonly service: PublicService;
  readonly entries: readonly RouteEntry<PublicMethod>[];
}

const byName = (one: Offer, other: Offer) => (one.service.name < other.service.name ? -1 : 1);

function toOffer(versions: ServiceVersions): readonly Offer[] {
  const { service: name, contracts, instances } = versions;
  const [first] = contracts;
  if (first === undefined) return [];
  const methods = new Map<string, PublicMethod>();
  const entries: RouteEntry<PublicMethod>[] = [];
  for (const contract of contracts) {
    for (const [method, found] of contract.methods) {
      const target = methods.get(method) ?? toPublicMethod(found, contract, versions);
      methods.set(method, target);
      for (const binding of found.bindings) entries.push({ method: target.method.path, binding, target });
    }
  }
  const distinct = distinctEntries(entries);
  const bindings = distinct.map(({ binding }) => binding);
  const service = { name, desc: first.desc, methods: [...methods.values()], bindings, instances };
  return [{ service, entries: distinct }];
}

/** Versions of one contract mostly have the same bindings. The first of each counts. */
function distinctEntries(entries: readonly RouteEntry<PublicMethod>[]): readonly RouteEntry<PublicMethod>[] {
  const found = new Map<string, RouteEntry<PublicMethod>>();
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

function toRoutes(
  entries: readonly RouteEntry<PublicMethod>[],
  disabled: Routes<PublicMethod>['disabled'],
): readonly Route[] {
  const takenBy = new Map<HttpBinding, string>(disabled.map(({ entry, by }) => [entry.binding, by.method]));
  return entries.map(({ target, binding }) => ({ target, binding, takenBy: takenBy.get(binding) }));
}
