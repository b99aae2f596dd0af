/** The text that is printed when the system has started. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isInstalled, root } from '../workspace/paths.js';
import { grpcurlOptions } from './certificates.mjs';
import { ownServices, readManifest, tryManifests } from './manifests.mjs';
import { DEFAULTS, dataFlag } from './options.mjs';
import { metricsAddress, plan } from './plan.mjs';

/**
 * The text that `npm start` prints when the system runs.
 * @param {import('./ready.mjs').Row[]} rows One for each process. The registry's row is the first.
 * @param {import('./launcher.mjs').Session} session
 */
export function summary(rows, { system: { registry }, databases: database, options, startedAt }) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const all = [
    ['INSTANCE', 'ADDRESS', 'SERVICES'],
    ...rows.map(({ name, address, services }) => [name, address, services.join(', ')]),
    ...(plannedOf(rows, options).some(({ service }) => readManifest(service).database)
      ? [['postgresql', database.address, database.home]]
      : []),
  ];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column].length)));
  const table = all.map(
    ([name, address, what]) => `  ${name.padEnd(widths[0])}  ${address.padEnd(widths[1])}  ${what}`,
  );
  const away = options.data === DEFAULTS.data ? '' : seedTls(options);
  // `rondo` finds the system of the default folder itself.
  const isFound = options.data === DEFAULTS.data || options.portBase === DEFAULTS.portBase;
  const prefix = `${isFound ? '' : `RONDO_REGISTRY=${registry} `}${away}`;
  const url = publicUrl(rows, options);
  return [
    '',
    `Rondo is up (${seconds} s).`,
    '',
    ...table,
    '',
    ...(url === undefined ? [] : [`All public services, over HTTP/JSON, gRPC, gRPC-Web and Connect: ${url}`, '']),
    ...(options.metrics ? [...metricsOf(rows, options), ''] : []),
    'Try, from another terminal in this folder:',
    '',
    `  ${prefix}./rondo ps`,
    ...(isInstalled ? describeOwn(rows, prefix) : []),
    ...samples({ options, prefix, url }),
    ...grpcurl(rows, options),
    `  ./rondo logs${dataFlag(options.data)} -f`,
    '',
    'Ctrl-C stops the system; the data is kept for the next start.',
  ].join('\n');
}

/** What the workspace's own services offer. */
function describeOwn(rows, prefix) {
  const own = new Set(ownServices());
  const first = plannedOf(rows, { portBase: DEFAULTS.portBase }).find(({ service }) => own.has(service));
  const [service] = rows.find(({ name }) => name === first?.name)?.services ?? [];
  return service === undefined ? [] : [`  ${prefix}./rondo describe ${service}`];
}

/** What one can try with the samples. An app that has them can be seeded. */
function samples({ options, prefix, url }) {
  const tls = options.data === DEFAULTS.data ? seedTls(options) : '';
  const lines = [
    `  ${prefix}./rondo call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}' --count 9`,
    `  ${prefix}${tls}${seedToken(options)}npm run seed        # a year of a company's data: calculator prices its quotes, projects deliver them`,
    ...(url === undefined ? [] : [`  curl -d '{"a":1,"b":2}' ${url}/add`]),
    ...tokens(url, options),
  ];
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return 'seed' in scripts ? lines : [];
}

/** The variables with which a script calls a system with TLS. `rondo` finds the certificate of the default folder itself. */
const seedTls = ({ certs }) => (certs === undefined ? '' : `RONDO_TLS=on RONDO_TLS_DIR=${path.join(certs, 'person')} `);

/** The variable with which a script calls a system that wants credentials for each call. */
function seedToken({ auth, data }) {
  if (auth === undefined) return '';
  const scopes = ['sales', 'projects'].flatMap((part) => ['read', 'write', 'admin'].map((right) => `${part}.${right}`));
  return `RONDO_TOKEN=$(./rondo token --as seed --scopes ${scopes}${dataFlag(data)}) `;
}

function tokens(url, { auth, data }) {
  if (auth === undefined || url === undefined) return [];
  const command = `./rondo token --as ada --scopes sales.read${dataFlag(data)}`;
  return [`  curl -H "Authorization: Bearer $(${command})" ${url}/v1/products`];
}

function grpcurl(rows, { certs }) {
  const [, instance] = rows;
  return certs === undefined || instance === undefined
    ? []
    : [`  grpcurl ${grpcurlOptions(certs)} ${instance.address} list`];
}

function metricsOf(rows, options) {
  const planned = plannedOf(rows, options);
  return ['Metrics:', '', ...planned.map((one) => `  ${one.name.padEnd(22)}  http://${metricsAddress(one)}/metrics`)];
}

/** Where this machine reaches the public port; undefined if no process that runs has one. */
function publicUrl(rows, options) {
  const [outside] = plannedOf(rows, options).flatMap((one) => one.public ?? []);
  if (outside === undefined || outside.port === 0) return undefined;
  return `http://${outside.address.replace(/^(?:0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}`;
}

/** The plan of the processes that run. */
function plannedOf(rows, { portBase }) {
  const running = new Set(rows.map(({ name }) => name));
  return plan([...tryManifests().manifests.values()], portBase).filter(({ name }) => running.has(name));
}
