import { nearest } from '../terminal/index.js';
import { UsageError } from '../usage-error.js';

/**
 * The services that `name` may mean, the closest way of reading it first: in full; any end of it, from a dot on;
 * its last part with or without `Service`, in any case. A closer reading hides the looser ones.
 */
export function matchServices(name: string, services: readonly string[]): readonly string[] {
  const readings = [
    (service: string) => service === name,
    (service: string) => service.endsWith(`.${name}`),
    (service: string) => shortName(service) === shortName(name),
  ];
  for (const reading of readings) {
    const found = services.filter(reading);
    if (found.length > 0) return [...found].sort();
  }
  return [];
}

/**
 * The one service that `name` means; undefined where there is none.
 *
 * @throws UsageError that lists the candidates where there are several.
 */
export function matchService(name: string, services: readonly string[]): string | undefined {
  const [service, ...others] = matchServices(name, services);
  if (service === undefined || others.length === 0) return service;
  throw new UsageError(`"${name}" may be any of ${[service, ...others].join(', ')}: write more of the name`);
}

/** What to say of a name that no service has: what was probably meant, and what there is. */
export function knownServices(name: string, services: readonly string[]): string {
  if (services.length === 0) return 'no service is registered';
  const meant = nearest(name, services) ?? nearestShort(name, services);
  const hint = meant === undefined ? '' : `Did you mean "${meant}"? `;
  return `${hint}There are: ${[...services].sort().join(', ')}`;
}

function nearestShort(name: string, services: readonly string[]): string | undefined {
  const short = nearest(shortName(name), services.map(shortName));
  return services.find((service) => shortName(service) === short);
}

function shortName(name: string): string {
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return last === 'service' ? last : last.replace(/service$/, '');
}
