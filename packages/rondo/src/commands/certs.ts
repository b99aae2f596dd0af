import { existsSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '@rondo/rpc/clock';
import { type CommandContext, defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { flag, valued } from '../help.js';
import { PERSON, personIn, TRUST_DOMAIN } from '../launch/security.js';
import { dataOption, jsonOption } from '../options.js';
import { formatTable } from '../terminal/table.js';
import { loadScaffold } from '../tree-work.js';

/** How long processes take at most to read files that have changed, with a margin. Milliseconds. */
const READ_WITHIN_MS = 12_000;

export const certs = defineCommand({
  name: 'certs',
  summary: 'Makes and renews certificates for development: an authority, one for each service, and one for you.',
  details: [
    'The certificates are in the folder certs of the data folder: one folder for each service, which RONDO_TLS_DIR names, one',
    'for you (person), and the authority, whose key stays there. Certificates live 30 days, the authority a year. A second run',
    'renews those that have lived two thirds of that. In production, certificates come from elsewhere',
    '(docs/guides/security.md).',
  ].join('\n'),
  options: {
    renew: flag('Renew all certificates, whatever their age.'),
    authority: flag('Make a new authority first. Processes trust both, so that no call fails.'),
    retire: flag('Stop trusting earlier authorities.'),
    host: {
      ...valued('NAME', "A further name or IP address of the services, for clients that check a server's host."),
      multiple: true,
    },
    ...dataOption,
    ...jsonOption,
  },
  args: { names: '[service] …' },
  examples: [
    ['certs', 'Certificates for all services of this workspace, and for you.'],
    ['certs --authority', 'A new authority, then new certificates by it.'],
    ['certs ledger --host ledger.internal', 'One for a service that runs elsewhere.'],
  ],
  async run({ names, host: hosts, renew, authority, retire }, context) {
    const certificates = await import('@rondo/certificates');
    const folder = path.join(context.dataDirectory, 'certs');
    const options = () => ({ folder, trustDomain: TRUST_DOMAIN, now: context.wallClock.now(), hosts });
    const services = names.length > 0 ? names.map(checkName) : await servicesOf(context);
    const wanted = [...services, personIn(context.environment)];
    let always = renew;
    if (authority && existsSync(path.join(folder, 'authority'))) {
      await certificates.replaceAuthority(options());
      await context.stderr.write('Every process reads the new bundle now; then it gets a certificate by it …\n');
      await sleep(context.clock, READ_WITHIN_MS, context.signal);
      always = true;
    }
    const issued = await certificates.renewAll(wanted, { ...options(), always });
    if (retire) certificates.retireAuthorities({ folder });
    const rows = issued.map(({ folder: into, validTo, isNew }) => {
      return [into, `until ${validTo.toISOString().slice(0, 10)}`, isNew ? 'new' : ''];
    });
    return { json: { certificates: issued }, text: formatTable(rows) };
  },
});

function checkName(name: string): string {
  if (/^[a-z][a-z0-9-]*$/.test(name) && name !== PERSON && name !== 'authority') return name;
  throw new UsageError(`"${name}": a service is named by a-z, 0-9 and -, such as sales; not ${PERSON} or authority`);
}

async function servicesOf({ repository }: CommandContext): Promise<readonly string[]> {
  if (!existsSync(path.join(repository, 'services')))
    throw new UsageError('there is no workspace here: name the services, such as rondo certs sales');
  const { serviceNames } = await loadScaffold('certs');
  return serviceNames(repository);
}
