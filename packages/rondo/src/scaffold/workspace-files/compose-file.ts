import { isScalar } from 'yaml';
import { fillFile } from '../../template.js';
import { Refusal } from '../errors.js';
import { cutOut, lineStart, nextLine, type Span, spliceIn } from '../text.js';
import { snakeCase } from '../words.js';
import { entriesOf, parseYaml, readYaml, spanOf, type YamlFile } from './yaml-file.js';

/** The compose file. */
export const COMPOSE = 'docker-compose.yml';
const DATABASES = ['services', 'provision', 'environment', 'RONDO_DATABASES'] as const;

/** A service of the compose file. */
export interface ComposeService {
  readonly name: string;
  /** Where it is: the compose file, or one that it includes. */
  readonly file: string;
  readonly line: number;
  /** The ports that it publishes on this machine. */
  readonly ports: readonly number[];
}

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
export function composeServices(root: string, file: string = COMPOSE): readonly ComposeService[] {
  const compose = readYaml(root, file);
  const included = compose.value('include');
  const files = Array.isArray(included) ? included.filter((one) => typeof one === 'string') : [];
  const own = entriesOf(compose.node('services')).map(({ key, span, value }) => ({
    name: key,
    file,
    line: compose.line(span.start),
    ports: publishedPorts(compose.text.slice(spanOf(value).start, span.end)),
  }));
  return [...own, ...files.flatMap((one) => composeServices(root, one))];
}

/** Parses published ports such as `127.0.0.1:${RONDO_PORT_PREFIX:-50}051:50051` or `50051:50051`. */
const publishedPorts = (block: string): readonly number[] =>
  [...block.replaceAll(/\$\{\w+:-(\d+)\}/g, '$1').matchAll(/(?<=["'\s:])(\d+):\d+(?=["'\s/])/g)].map(([, port]) =>
    Number(port),
  );

/**
 * Adds a service to the text of the compose file, after the last Rondo service. Everything else is unchanged.
 *
 * @throws Refusal if there is no place for it.
 */
export function addToCompose(text: string, entry: ComposeEntry): string {
  const compose = parseYaml(COMPOSE, text);
  const ours = entriesOf(compose.node('services')).filter(({ key }) => runs(compose, key).includes(key));
  const last = ours.at(-1);
  if (last === undefined) throw misses('no service that is built from services/', compose);
  const gap = text.slice(0, last.span.end).endsWith('\n') ? '\n' : '\n\n';
  const image = compose.value('services', last.key, 'image');
  const prefix = typeof image === 'string' ? image.slice(0, -last.key.length) : '';
  const block = spliceIn(text, last.span.end, gap + composeBlock(entry, prefix));
  return proven(withDatabase(parseYaml(COMPOSE, block), entry.database), { from: text, entry });
}

/**
 * Removes a service from the text of the compose file.
 *
 * @throws Refusal if something else in the file depends on it.
 */
export function removeFromCompose(text: string, entry: Omit<ComposeEntry, 'port'>): string {
  const shrunk = withoutDatabase(parseYaml(COMPOSE, withoutService(text, entry.service)), entry.database);
  return proven(shrunk, { from: text, entry });
}

/** Removes the service and others that run its image, such as replicas, each with the comment above it. */
function withoutService(text: string, service: string): string {
  const compose = parseYaml(COMPOSE, text);
  const running = [service, ...runs(compose, service)];
  return entriesOf(compose.node('services'))
    .filter(({ key }) => running.includes(key))
    .reduceRight((rest, { span }) => cutOut(rest, withLead(rest, span)), text);
}

/** Extends a span to the comment above it and the blank line before that. */
function withLead(text: string, { start, end }: Span): Span {
  const lead = /(?:(?<=\n)\n)?(?:[^\S\n]*#.*\n)*$/.exec(text.slice(0, lineStart(text, start)));
  return { start: lead?.index ?? lineStart(text, start), end };
}

/** The services of the compose file that run the image of a folder under `services/`. */
function runs(compose: YamlFile, service: string): readonly string[] {
  const builds = (key: string) => compose.value('services', key, 'build', 'args', 'SERVICE');
  return entriesOf(compose.node('services'))
    .map(({ key }) => key)
    .filter((key) => builds(key) === service);
}

/** Compose can't add numbers: a second system has a different prefix of its ports. */
const publishedPort = (port: number) => String(port).replace(/^50(?=\d{3}$)/, `\${RONDO_PORT_PREFIX:-50}`);

/** Renders a service in the order and style of the existing ones, whose images have names with this prefix. */
const composeBlock = ({ service, port, database }: ComposeEntry, prefix: string): string =>
  fillFile('service/compose.yml.tmpl', {
    ...{ service, port, image: `${prefix}${service}`, published: publishedPort(port) },
    database: database && { url: databaseUrl(database) },
  });

const password = (database: string) => `\${${snakeCase(database).toUpperCase()}_PASSWORD:-rondo}`;
const databaseEntry = (database: string) => `${database}:${database}:${password(database)}\n`;
const databaseUrl = (database: string) =>
  `postgres://${database}:${password(database)}@\${POSTGRES_HOSTS:-postgres:5432}/${database}`;

/** Adds a line to the databases that the service `provision` creates. */
function withDatabase(compose: YamlFile, database: string | undefined): string {
  if (database === undefined) return compose.text;
  const { start, end } = databaseList(compose);
  const outer = /^ */.exec(compose.text.slice(lineStart(compose.text, start)))?.[0];
  const indent = /\n( *)\S/.exec(compose.text.slice(start, end))?.[1] ?? `${outer}  `;
  return spliceIn(compose.text, end, `${indent}${databaseEntry(database)}`);
}

function withoutDatabase(compose: YamlFile, database: string | undefined): string {
  if (database === undefined) return compose.text;
  const { start, end } = databaseList(compose);
  const at = compose.text.slice(start, end).search(new RegExp(`^ *${database}:`, 'm'));
  if (at === -1) return compose.text;
  return cutOut(compose.text, { start: start + at, end: nextLine(compose.text, start + at) });
}

function databaseList(compose: YamlFile): { readonly start: number; readonly end: number } {
  const list = compose.node(...DATABASES);
  if (list === undefined) throw misses(`no ${DATABASES.join('.')}`, compose);
  if (isScalar(list) && list.type === 'BLOCK_LITERAL') return spanOf(list);
  throw new Refusal('RONDO_DATABASES has no line for each database', {
    place: { file: COMPOSE, line: compose.line(spanOf(list).start) },
    remedy: 'write it as a block: RONDO_DATABASES: | and below it database:role:password, one a line',
  });
}

const misses = (what: string, { file }: YamlFile) =>
  new Refusal(`has ${what}`, { place: { file }, remedy: 'restore it, or add the service by hand' });

/** Checks that an edited text has the same meaning as before, except for the one service. */
function proven(text: string, { from, entry }: { readonly from: string; readonly entry: Omit<ComposeEntry, 'port'> }) {
  if (meaningWithout(text, entry) === meaningWithout(from, entry)) return text;
  throw new Refusal("has a form that this tool can't edit", {
    place: { file: COMPOSE },
    remedy: 'add or remove the service by hand',
  });
}

function meaningWithout(text: string, { service, database }: Omit<ComposeEntry, 'port'>): string {
  const compose = parseYaml(COMPOSE, text);
  const running = [service, ...runs(compose, service)];
  const meaning = JSON.stringify(compose.value(), (key, value) => (running.includes(key) ? undefined : value));
  return database === undefined ? meaning : meaning.replace(JSON.stringify(databaseEntry(database)).slice(1, -1), '');
}
