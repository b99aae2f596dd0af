/** The text that is printed when the system has started. */
import path from 'node:path';
import type { LauncherRow } from '@rondo/operate/internal';
import { formatTable } from '../terminal/table.js';
import { readJson } from '../workspace/files.js';
import { ownServices, tryManifests } from '../workspace/manifests.js';
import { isInstalled, root } from '../workspace/paths.js';
import type { Session } from './commands.js';
import { DEFAULTS, dataFlag, type SystemOptions } from './options.js';
import { consoleOf, metricsAddress, plan, publicAddressOf } from './plan.js';
import { grpcurlOptions, PERSON, tlsVariables } from './security.js';

/** How the system that is summarised is called. */
interface Summarised {
  readonly options: SystemOptions;
  /** What stands before a command that must find this system. `rondo` finds the system of the default folder itself. */
  readonly prefix: string;
  /** Where this machine reaches the public port; undefined if no process that runs has one. */
  readonly url: string | undefined;
}

/** The text for `rows`, of which the registry's is the first. */
export async function summary(
  rows: readonly LauncherRow[],
  { system, databases, options, startedAt, observed }: Session,
): Promise<string> {
  const { openIn } = await import('../contract/auth-matrix.js');
  const open = options.auth === undefined ? openIn(root) : undefined;
  const names = new Set(rows.map(({ name }) => name));
  const { manifests } = tryManifests();
  const planned = plan([...manifests.values()], options.portBase).filter(({ name }) => names.has(name));
  const [at] = planned.flatMap((one) => publicAddressOf(one) ?? []);
  const url = at && `http://${at}`;
  const isFound = options.data === DEFAULTS.data || options.portBase === DEFAULTS.portBase;
  const registry = isFound ? '' : `RONDO_REGISTRY=${system.registry} `;
  const prefix = `${registry}${options.data === DEFAULTS.data ? '' : tls(options)}`;
  const own = new Set(ownServices());
  const first = planned.find(({ service }) => own.has(service));
  const [described] = rows.find(({ name }) => name === first?.name)?.services ?? [];
  const isStored = planned.some(({ service }) => manifests.get(service)?.database !== undefined);
  const table = formatTable([
    ['INSTANCE', 'ADDRESS', 'SERVICES'],
    ...rows.map(({ name, address, services }) => [name, address, services.join(', ')]),
    ...(isStored ? [['postgresql', databases.address, databases.home]] : []),
  ]);
  const metrics = planned.map((one) => `${one.name.padEnd(22)}  http://${metricsAddress(one)}/metrics`);
  return [
    '',
    `Rondo is up (${((performance.now() - startedAt) / 1000).toFixed(1)} s).`,
    '',
    indent(table.trimEnd().split('\n')),
    '',
    ...(url === undefined ? [] : [`All public services, over HTTP/JSON, gRPC, gRPC-Web and Connect: ${url}`, '']),
    ...planned
      .flatMap((one) => consoleOf(one) ?? [])
      .slice(0, 1)
      .flatMap((at) => [`Console: http://${at}/console`, '']),
    ...(open === undefined ? [] : [`Callers aren't checked: ${open}; --auth checks them.`, '']),
    ...(options.auth === undefined ? [] : [`Callers need a token: RONDO_TOKEN=${tokenBy(options.data)}`, '']),
    ...(options.metrics ? ['Metrics:', '', indent(metrics), ''] : []),
    ...(observed.length > 0 ? ['Observed:', '', indent(observed), ''] : []),
    'Try, from another terminal in this folder:',
    '',
    indent([
      `${prefix}./rondo ps`,
      ...(isInstalled && described !== undefined ? [`${prefix}./rondo describe ${described}`] : []),
      ...('seed' in readJson(path.join(root, 'package.json')).scripts ? samples({ options, prefix, url }) : []),
      ...(options.certs && rows[1] ? [`grpcurl ${grpcurlOptions(options.certs)} ${rows[1].address} list`] : []),
      `./rondo logs${dataFlag(options.data)} -f`,
    ]),
    '',
    'Ctrl-C stops the system; the data is kept for the next start.',
  ].join('\n');
}

const indent = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');

/** What one can try with the samples. An app that has them can be seeded. */
function samples({ options, prefix, url }: Summarised): readonly string[] {
  const { auth, data } = options;
  // `rondo` finds the certificate of the default folder itself, and a script doesn't.
  const seedTls = data === DEFAULTS.data ? tls(options) : '';
  const scopes = ['sales', 'projects'].flatMap((part) => ['read', 'write', 'admin'].map((right) => `${part}.${right}`));
  const seedToken = auth === undefined ? '' : `RONDO_TOKEN=${tokenBy(data, 'seed', scopes.join(','))} `;
  const seed = `${prefix}${seedTls}${seedToken}npm run seed`;
  return [
    `${prefix}./rondo call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}' --count 9`,
    `${seed}        # a year of a company's data: calculator prices its quotes, projects deliver them`,
    ...(url === undefined ? [] : [`curl -d '{"a":1,"b":2}' ${url}/add`]),
    ...(url === undefined || auth === undefined
      ? []
      : [`curl -H "Authorization: Bearer ${tokenBy(data, 'ada', 'sales.read')}" ${url}/v1/products`]),
  ];
}

/** What the shell replaces by a token. `rondo auth matrix` lists the scopes. */
const tokenBy = (data: string, as = 'NAME', scopes = 'LIST'): string =>
  `$(./rondo token --as ${as} --scopes ${scopes}${dataFlag(data)})`;

/** The variables with which a script calls a system with TLS. */
const tls = ({ certs }: SystemOptions): string =>
  Object.entries(tlsVariables(certs, PERSON))
    .map(([name, value]) => `${name}=${value} `)
    .join('');
