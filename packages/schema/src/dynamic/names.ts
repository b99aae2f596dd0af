import { nearest } from '@rondo/rpc/internal';
import { dynamicErrors } from './errors.js';

/**
 * The services that `name` may mean. It is matched in this order: the full name; its end, from a dot on; the same
 * in any case, with or without `Service`. If one kind of match finds services, the later kinds aren't tried. A
 * package in the name must match: `v2.Calculator` never means a service of v1.
 */
export function matchServices(name: string, services: readonly string[]): readonly string[] {
  const readings = [
    (service: string) => service === name,
    (service: string) => service.endsWith(`.${name}`),
    (service: string) => `.${plain(service)}`.endsWith(`.${plain(name)}`),
  ];
  for (const reading of readings) {
    const found = services.filter(reading);
    if (found.length > 0) return [...found].sort();
  }
  return [];
}

/** Suggests a similar service, and lists the services there are. `none` is the text if there is none. */
export function knownServices(name: string, services: readonly string[], none = 'no service is registered'): string {
  if (services.length === 0) return none;
  const meant = nearest(name, services) ?? nearestShort(name, services);
  const inPackage = services.filter((service) => service.startsWith(`${name}.`)).sort();
  const hints = meant === undefined ? inPackage : [meant];
  const hint = hints.length === 0 ? '' : `Did you mean "${hints.join('" or "')}"? `;
  return `${hint}There are: ${[...services].sort().join(', ')}`;
}

/**
 * The one service that `name` means.
 *
 * @throws RpcError `INVALID_ARGUMENT` that lists the candidates if there are several, and `UNIMPLEMENTED` that lists the
 * services if there is none.
 */
export function theService(name: string, services: readonly string[]): string {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined) {
    throw dynamicErrors.UNKNOWN_SERVICE({ name, knownServices: knownServices(name, services, 'there is no service') });
  }
  if (others.length === 0) return service;
  throw dynamicErrors.SEVERAL_SERVICES({ name, candidates: [service, ...others].join(', ') });
}

function nearestShort(name: string, services: readonly string[]): string | undefined {
  for (const form of [lastPart, (one: string) => plain(lastPart(one))]) {
    const short = nearest(form(name), services.map(form));
    if (short !== undefined) return services.find((service) => form(service) === short);
  }
  return undefined;
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

/** A name in lower case, without the suffix `Service`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/(?<=\w)service$/, '');
}
