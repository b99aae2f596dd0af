import { fillFile } from '../../template.js';
import { fieldsOf } from '../../workspace/files.js';
import { Refusal } from '../errors.js';
import { readText } from '../repository.js';
import { snakeCase } from '../words.js';
import { readYaml, valueIn } from './yaml-file.js';

export const COMPOSE = 'docker-compose.yml';

/** A service, where it is, and the ports that it publishes on this machine. */
type Composed = Readonly<Record<'name' | 'file', string>> & {
  readonly line: number;
  readonly ports: readonly number[];
};

/** What the compose file needs to know about a Rondo service. */
export interface ComposeEntry {
  readonly service: string;
  readonly port: number;
  /** The database that it owns, which is also the name of its role. */
  readonly database: string | undefined;
}

/**
 * Reads the services of docker-compose.yml, and of the files that it includes.
 *
 * @throws Refusal if a file can't be parsed.
 */
export function composeServices(root: string, file: string = COMPOSE): readonly Composed[] {
  const { services, include } = readYaml(root, file);
  const text = readText(root, file);
  const own = Object.entries(fieldsOf(services)).map(([name, value]) => ({
    name,
    file,
    ports: publishedPorts(fieldsOf(value)['ports']),
    line: text.slice(0, text.search(new RegExp(`^ +${name}:`, 'm'))).split('\n').length,
  }));
  const files = Array.isArray(include) ? include.filter((one) => typeof one === 'string') : [];
  return [...own, ...files.flatMap((one) => composeServices(root, one))];
}

/** Parses published ports such as `127.0.0.1:${RONDO_PORT_PREFIX:-50}051:50051` or `50051:50051`. */
const publishedPorts = (ports: unknown): readonly number[] =>
  (Array.isArray(ports) ? ports : []).flatMap((one) => {
    const [, port] = /(\d+):\d+$/.exec(String(one).replaceAll(/\$\{\w+:-(\d+)\}/g, '$1')) ?? [];
    return port === undefined ? [] : [Number(port)];
  });

/** A service in the text, with the comment above it. Its end excludes the blank lines behind it. */
interface Block {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The services of the text whose images are built from services/, each with the folder. */
function blocksOf(text: string): readonly (Block & { readonly folder: string })[] {
  const services = fieldsOf(valueIn(COMPOSE, text)['services']);
  const blocks = text.matchAll(/(?:^ {2}#.*\n)*^ {2}([\w-]+):.*\n(?:(?: {3}.*| *)(?:\n|$))*/gm);
  return [...blocks].flatMap(({ 0: block, 1: name = '', index: start }) => {
    const { build } = fieldsOf(services[name]);
    const folder = fieldsOf(fieldsOf(build)['args'])['SERVICE'];
    return typeof folder === 'string' ? [{ name, start, end: start + block.trimEnd().length, folder }] : [];
  });
}

/** The list of the databases that the service `provision` makes, one a line. */
const DATABASES = /^( +)RONDO_DATABASES: \|\n(?:\1 +.*\n)*/m;

/**
 * Adds a service to the text of the compose file, after the last Rondo service. Everything else is unchanged.
 *
 * @throws Refusal if there is no place for it.
 */
export function addToCompose(text: string, entry: ComposeEntry): string {
  const last = blocksOf(text)
    .filter(({ name, folder }) => name === folder)
    .at(-1);
  if (last === undefined) throw misses('no service that is built from services/');
  const [, prefix = ''] = new RegExp(`image: (.*)${last.name}$`, 'm').exec(text.slice(last.start, last.end)) ?? [];
  const block = composeBlock(entry, prefix);
  const grown = `${text.slice(0, last.end)}\n\n${block.trimEnd()}${text.slice(last.end)}`;
  const { database } = entry;
  if (database !== undefined && !DATABASES.test(grown)) {
    const remedy = 'write it as a block: RONDO_DATABASES: | and below it database:role:password, one a line';
    throw new Refusal('RONDO_DATABASES of provision has no line for each database', {
      place: { file: COMPOSE },
      remedy,
    });
  }
  const whole = database === undefined ? grown : grown.replace(DATABASES, `$&$1  ${databaseEntry(database)}`);
  return proven(whole, { from: text, entry });
}

/**
 * Removes a service from the text of the compose file, and others that run its image, such as replicas.
 *
 * @throws Refusal if something else in the file depends on it.
 */
export function removeFromCompose(text: string, entry: Omit<ComposeEntry, 'port'>): string {
  const cut = (rest: string, { start, end }: Block) => rest.slice(0, start).trimEnd() + rest.slice(end);
  const shrunk = blocksOf(text)
    .filter(({ folder }) => folder === entry.service)
    .reduceRight(cut, text);
  const line = new RegExp(`^ +${entry.database}:${entry.database}:.*\\n`, 'm');
  return proven(entry.database === undefined ? shrunk : shrunk.replace(line, ''), { from: text, entry });
}

/** Compose can't add numbers: a second system has a different prefix of its ports. */
export const publishedPort = (port: number): string =>
  String(port).replace(/^50(?=\d{3}$)/, `\${RONDO_PORT_PREFIX:-50}`);

/** Renders a service in the order and style of the existing ones, whose images have names with this prefix. */
const composeBlock = ({ service, port, database }: ComposeEntry, prefix: string): string =>
  fillFile('service/compose.yml.tmpl', {
    service,
    port,
    image: `${prefix}${service}`,
    published: publishedPort(port),
    database: database && {
      url: `postgres://${database}:${password(database)}@\${POSTGRES_HOSTS:-postgres:5432}/${database}`,
    },
  });

const password = (database: string) => `\${${snakeCase(database).toUpperCase()}_PASSWORD:-rondo}`;
const databaseEntry = (database: string) => `${database}:${database}:${password(database)}\n`;

const misses = (what: string) =>
  new Refusal(`has ${what}`, { place: { file: COMPOSE }, remedy: 'restore it, or add the service by hand' });

/** Checks that an edited text has the same meaning as before, except for the one service. */
function proven(text: string, { from, entry }: { readonly from: string; readonly entry: Omit<ComposeEntry, 'port'> }) {
  if (meaningWithout(text, entry) === meaningWithout(from, entry)) return text;
  const remedy = 'add or remove the service by hand';
  throw new Refusal("has a form that this tool can't edit", { place: { file: COMPOSE }, remedy });
}

function meaningWithout(text: string, { service, database }: Omit<ComposeEntry, 'port'>): string {
  const running = [service, ...blocksOf(text).flatMap(({ name, folder }) => (folder === service ? name : []))];
  const meaning = JSON.stringify(valueIn(COMPOSE, text), (key, value) => (running.includes(key) ? undefined : value));
  return database === undefined ? meaning : meaning.replace(JSON.stringify(databaseEntry(database)).slice(1, -1), '');
}
