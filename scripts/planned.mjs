/** Checks that main.ts and docker-compose.yml agree with the manifests of services. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { REGISTRY, tryManifests } from './launch/manifests.mjs';
import { DEFAULTS } from './launch/options.mjs';
import { DATABASE_OFFSET } from './launch/plan.mjs';
import { root } from './process.mjs';

const DATABASE_PORT = DEFAULTS.portBase + DATABASE_OFFSET;

/**
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function servicesPlanned() {
  const read = tryManifests(foldersWithCode());
  const manifests = [...read.manifests.values()];
  const faults = [...read.faults.values()];
  const composed = readCompose();
  for (const manifest of manifests) {
    faults.push(...faultsOfPort(manifest, manifests), ...faultsOfContracts(manifest, manifests));
    faults.push(...faultsOfMain(manifest), ...faultsOfCompose(manifest, composed));
  }
  return { code: faults.length, output: faults.join('\n') };
}

/** The folders with sources. A folder with only built files is left over from a removed service. */
function foldersWithCode() {
  return readdirSync(path.join(root, 'services')).filter((service) =>
    ['package.json', 'src'].some((name) => existsSync(path.join(root, 'services', service, name))),
  );
}

function faultsOfPort({ service, port }, manifests) {
  const file = `services/${service}/package.json: rondo.port ${port}`;
  const other = manifests.find((one) => one.port === port && one.service < service);
  return [
    ...(other === undefined ? [] : [`${file} is ${other.service}'s already: take another, from 50060 upwards`]),
    ...(port === DATABASE_PORT ? [`${file} is the database's: take another, from 50060 upwards`] : []),
    ...(service === REGISTRY && port !== DEFAULTS.portBase ? [`${file} must be ${DEFAULTS.portBase}`] : []),
  ];
}

function faultsOfContracts({ service, contracts }, manifests) {
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
function faultsOfMain({ service, port }) {
  if (service === REGISTRY) return [];
  const file = `services/${service}/src/main.ts`;
  if (!existsSync(path.join(root, file))) return [`${file} is missing: it is what runs the service`];
  const [, named] = /\bport: ([\d_]+)/.exec(readFileSync(path.join(root, file), 'utf8')) ?? [];
  if (Number(named?.replaceAll('_', '')) === port) return [];
  return [`${file}: port: must be ${port}, as in package.json, and is ${named ?? 'not there'}`];
}

/** Compose can't add numbers, so a second system changes the first digits of all ports. */
const PREFIX = `\${RONDO_PORT_PREFIX:-50}`;

function faultsOfCompose({ service, port }, composed) {
  const file = `docker-compose.yml: services.${service}`;
  const { ports = [], environment = {} } = composed[service] ?? {};
  if (composed[service] === undefined) return [`${file} is missing: add it, as the registry's is`];
  const published = `127.0.0.1:${String(port).replace(/^50(?=\d{3}$)/, PREFIX)}:${port}`;
  const listen = `0.0.0.0:${port}`;
  return [
    ...(ports.includes(published) ? [] : [`${file}.ports: must hold "${published}", as in package.json`]),
    ...(environment.RONDO_LISTEN === listen ? [] : [`${file}.environment.RONDO_LISTEN: must be ${listen}`]),
  ];
}

function readCompose() {
  // The parser is a dependency of the package that edits this file.
  const { parse } = createRequire(path.join(root, 'packages/scaffold/package.json'))('yaml');
  return parse(readFileSync(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true }).services;
}
