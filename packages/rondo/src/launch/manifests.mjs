/** The manifests of services: "rondo" in their package.json, which says how to start them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/paths.js';

/** The service that all others need. */
export const REGISTRY = 'registry';

/**
 * The launcher reads it here; scaffold/ reads it for commands that change the tree.
 * @typedef {object} Manifest
 * @property {string} service Its name: that of its folder under services/, or of its package.
 * @property {number} port Its port with the default base port.
 * @property {number} instances How many run.
 * @property {string[]} contracts The contracts that it serves, as paths under proto/.
 * @property {string} [database] The database and the role that it owns.
 * @property {Public} [public] Its listener for callers outside of the system, if it has one.
 * @property {Record<string, string>} [assets] Packages whose files it serves, by the folder that its image has them in.
 */

/**
 * @typedef {object} Public A listener beside the gRPC port.
 * @property {number} port Its port with the default base port.
 * @property {number} offset Its port relative to any other base port.
 * @property {string} variable The environment variable that holds its address.
 */

/**
 * @returns {Manifest[]} sorted by port; the registry comes first.
 * @throws {Error} with one line that names the file and the field.
 */
export function readManifests() {
  return serviceNames()
    .map(readManifest)
    .sort((one, other) => one.port - other.port);
}

/**
 * The manifests that can be read, and the faults of the others, by service.
 * @param {string[]} [services]
 * @returns {{ manifests: Map<string, Manifest>, faults: Map<string, string> }}
 */
export function tryManifests(services = serviceNames()) {
  const manifests = new Map();
  const faults = new Map();
  for (const service of services) {
    try {
      manifests.set(service, readManifest(service));
    } catch (error) {
      faults.set(service, error.message);
    }
  }
  return { manifests, faults };
}

/** The services of the workspace: its own, and those of packages. */
export const serviceNames = () => [...new Set([...providedServices().keys(), ...ownServices()])];

/** The folders under services/ that hold a service. */
export const ownServices = () =>
  readdirSync(path.join(root, 'services')).filter((service) =>
    existsSync(path.join(root, 'services', service, 'package.json')),
  );

/** The folders of the services that the root's dependencies bring, such as @rondo/registry, by service. */
function providedServices() {
  const { dependencies = {} } = readJson('package.json');
  return new Map(
    Object.keys(dependencies)
      .map((name) => [path.posix.basename(name), `node_modules/${name}`])
      .filter(([, folder]) => existsSync(path.join(root, folder)) && readJson(`${folder}/package.json`).rondo?.port),
  );
}

/** The folder of a service, from the root. One under services/ takes the place of a package's. */
export function folderOf(service) {
  const own = `services/${service}`;
  return existsSync(path.join(root, own, 'package.json')) ? own : (providedServices().get(service) ?? own);
}

/** The program of a service. */
export const entryOf = (service) => path.join(root, folderOf(service), 'dist/main.js');

/**
 * @param {string} service
 * @returns {Manifest}
 * @throws {Error} with one line that names the file and the field.
 */
export function readManifest(service) {
  const file = `${folderOf(service)}/package.json`;
  const { rondo } = readJson(file);
  const { port, instances = 1, contracts, database, public: outside, assets } = rondo ?? {};
  const require = (valid, rule) => {
    if (!valid) throw new Error(`${file}: rondo.${rule}`);
  };
  require(isPort(port), 'port must be a port, such as 50060');
  require(Number.isInteger(instances) && instances > 0, 'instances must be a whole number from 1');
  require(Array.isArray(contracts) && contracts.length > 0, 'contracts must list paths under proto/');
  require(database === undefined || /^[a-z_][a-z0-9_]*$/.test(database), 'database must be a PostgreSQL name');
  require(outside === undefined || isPublic(outside), PUBLIC_RULE);
  require(assets === undefined ||
    isNames(assets), 'assets must give folders their packages: {"docs": "swagger-ui-dist"}');
  return { service, port, instances, contracts, database, public: outside, assets };
}

const isPort = (port) => Number.isInteger(port) && port > 0 && port < 65_536;

const PUBLIC_RULE =
  'public must hold a port, its offset from the base port, and the variable of its address: ' +
  '{"port": 8080, "offset": 20, "variable": "RONDO_…_LISTEN"}';

const isPublic = ({ port, offset, variable }) => isPort(port) && isPort(offset) && /^RONDO_\w+$/.test(variable);

const isNames = (assets) => Object.values(assets).every((name) => typeof name === 'string');

function readJson(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch (error) {
    const missing = error.code === 'ENOENT';
    throw new Error(missing ? `${file} is missing` : `${file}: ${error.message}`, { cause: error });
  }
}
