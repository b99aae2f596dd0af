import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Refusal } from './refusal.js';
import { messageOf } from './thrown.js';

/** What a service says of itself to those who start it: `rondo` in its package.json. */
export interface Manifest {
  /** Its folder under `services/`. */
  readonly service: string;
  /** Where it listens with the usual base port. */
  readonly port: number;
  /** What it serves, as paths under `proto/`. */
  readonly contracts: readonly string[];
  /** The database that it owns. */
  readonly database: string | undefined;
}

/**
 * The manifests of all services.
 *
 * @throws Refusal where one can't be read.
 */
export function readManifests(root: string): readonly Manifest[] {
  return readdirSync(path.join(root, 'services'))
    .filter((service) => existsSync(path.join(root, 'services', service, 'package.json')))
    .map((service) => readManifest(root, service));
}

function readManifest(root: string, service: string): Manifest {
  const file = `services/${service}/package.json`;
  const rondo = section(parse(root, file), 'rondo');
  const { port, contracts, database } = { port: undefined, contracts: undefined, database: undefined, ...rondo };
  if (typeof port === 'number' && isListOfTexts(contracts)) {
    return { service, port, contracts, database: typeof database === 'string' ? database : undefined };
  }
  throw new Refusal('"rondo" names no port and contracts', {
    place: { file },
    remedy: 'write them as the other services have them',
  });
}

function parse(root: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch (error) {
    throw new Refusal(`can't be read: ${messageOf(error)}`, {
      place: { file },
      remedy: 'make it JSON again',
    });
  }
}

function section(value: unknown, key: string): object {
  const found = typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
  return typeof found === 'object' && found !== null ? found : {};
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
