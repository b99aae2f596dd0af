/** Checks that main.ts and docker-compose.yml agree with the manifests of services. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { DEFAULTS } from '../launch/options.js';
import { DATABASE_OFFSET } from '../launch/plan.js';
import { publishedPort } from '../scaffold/workspace-files/compose-file.js';
import { type Manifest, REGISTRY, tryManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';

const DATABASE_PORT = DEFAULTS.portBase + DATABASE_OFFSET;

type Manifests = readonly Manifest[];

interface Composed {
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function servicesPlanned(): Promise<StepResult> {
  // A folder with only built files is left over from a removed service.
  const folders = readdirSync(path.join(root, 'services')).filter((service) =>
    ['package.json', 'src'].some((name) => existsSync(path.join(root, 'services', service, name))),
  );
  const read = tryManifests(folders);
  const manifests = [...read.manifests.values()];
  const faults = [...read.faults.values()];
  const composed: Readonly<Record<string, Composed | undefined>> = parse(
    readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'),
    { merge: true },
  ).services;
  for (const manifest of manifests) {
    faults.push(...faultsOfPort(manifest, manifests), ...faultsOfContracts(manifest, manifests));
    faults.push(...faultsOfMain(manifest), ...faultsOfCompose(manifest, composed[manifest.service]));
  }
  return { code: faults.length, output: faults.join('\n') };
}

function faultsOfPort({ service, port }: Manifest, manifests: Manifests): readonly string[] {
  const file = `services/${service}/package.json: rondo.port ${port}`;
  const other = manifests.find((one) => one.port === port && one.service < service);
  const open = manifests.find((one) => publicPorts(one).includes(port));
  return [
    ...(other === undefined ? [] : [`${file} is ${other.service}'s already: take another, from 50060 upwards`]),
    ...(open === undefined ? [] : [`${file} is a public port of ${open.service}: take another, from 50060 upwards`]),
    ...(port === DATABASE_PORT ? [`${file} is the database's: take another, from 50060 upwards`] : []),
    ...(service === REGISTRY && port !== DEFAULTS.portBase ? [`${file} must be ${DEFAULTS.portBase}`] : []),
  ];
}

/** The base port may be another one, so a public port takes two: its own, and the one at its offset. */
export const publicPorts = ({ public: outside }: Pick<Manifest, 'public'>): readonly number[] =>
  outside === undefined ? [] : [outside.port, DEFAULTS.portBase + outside.offset];

function faultsOfContracts({ service, contracts }: Manifest, manifests: Manifests): readonly string[] {
  const file = `services/${service}/package.json: rondo.contracts`;
  return contracts.flatMap((contract) => {
    const other = manifests.find((one) => one.service < service && one.contracts.includes(contract));
    return [
      ...(existsSync(path.join(root, 'proto', contract)) ? [] : [`${file}: there is no proto/${contract}: correct it`]),
      ...(other === undefined ? [] : [`${file}: ${contract} is ${other.service}'s already: leave it to one of them`]),
    ];
  });
}

/** The registry is exempt: its main.ts takes the port from the address that clients use by default. */
function faultsOfMain({ service, port }: Manifest): readonly string[] {
  if (service === REGISTRY) return [];
  const file = `services/${service}/src/main.ts`;
  if (!existsSync(path.join(root, file))) return [`${file} is missing: it is what runs the service`];
  const [, named] = /\bport: ([\d_]+)/.exec(readFileSync(path.join(root, file), 'utf8')) ?? [];
  if (Number(named?.replaceAll('_', '')) === port) return [];
  return [`${file}: port: must be ${port}, as in package.json, and is ${named ?? 'not there'}`];
}

function faultsOfCompose(
  { service, port, public: outside }: Manifest,
  composed: Composed | undefined,
): readonly string[] {
  const file = `docker-compose.yml: services.${service}`;
  if (composed === undefined) return [`${file} is missing: add it, as the registry's is`];
  const { ports = [], environment = {} } = composed;
  const published =
    outside === undefined ? `127.0.0.1:${publishedPort(port)}:${port}` : publishedPublicPort(service, outside.port);
  const listens = { RONDO_LISTEN: port, ...(outside && { [outside.variable]: outside.port }) };
  return [
    ...(ports.includes(published) ? [] : [`${file}.ports: must hold "${published}", as in package.json`]),
    ...Object.entries(listens)
      .filter(([name, at]) => environment[name] !== `0.0.0.0:${at}`)
      .map(([name, at]) => `${file}.environment.${name}: must be 0.0.0.0:${at}`),
  ];
}

/** A service with a public port publishes that one only, at a port that a variable named after the service moves, as RONDO_GATEWAY_PORT does. */
const publishedPublicPort = (service: string, port: number) =>
  `127.0.0.1:\${RONDO_${service.replaceAll('-', '_').toUpperCase()}_PORT:-${port}}:${port}`;
