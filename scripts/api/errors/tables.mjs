/** The errors that Rondo's packages make, from their compiled tables, which `defineErrors` of @rondo/rpc/status has made. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { filesBelow } from '../../files.mjs';
import { placeOf } from './text.mjs';

/** The services whose errors are Rondo's own. */
const SERVICES = ['registry', 'gateway'];
/** The codes that refuse a request: unless its row says otherwise, the call has changed nothing. */
const REFUSALS = ['INVALID_ARGUMENT', 'UNIMPLEMENTED', 'PERMISSION_DENIED', 'NOT_FOUND', 'ALREADY_EXISTS'];

/**
 * @typedef {object} ErrorSite
 * @property {string} name The row's.
 * @property {string} code
 * @property {string} text With `<name>` for each parameter.
 * @property {string} side What makes it, such as `the client`.
 * @property {string} cause
 * @property {string} remedy
 * @property {'none' | 'possible'} effect
 * @property {string} [domain]
 */

/**
 * @param {string} root Of a repository that is built.
 * @returns {Promise<{ sites: ErrorSite[], faults: string[] }>} The rows of all tables, and what is wrong with them.
 */
export async function readTables(root) {
  const packages = readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}`);
  const folders = [...packages, ...SERVICES.map((name) => `services/${name}`)];
  const found = await Promise.all(folders.map((folder) => tablesIn(root, folder)));
  const rows = found.flat();
  return { sites: rows.map(toSite), faults: [...rows.flatMap(unused), ...repeated(rows)] };
}

/** The rows of a package, each with the sources that may use it. */
async function tablesIn(root, folder) {
  const dist = path.join(root, folder, 'dist');
  const files = filesBelow(dist).filter((file) => /(?:^|\/)errors(?:\/[^/]+)?\.js$/.test(file));
  const sources = files.length === 0 ? '' : sourcesOf(path.join(root, folder, 'src'));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(path.join(dist, file)))));
  return modules.flatMap((tables) =>
    Object.entries(tables).flatMap(([table, makers]) =>
      Object.entries(makers)
        .filter(([, { row }]) => row !== undefined)
        .map(([name, { row, by }]) => ({ folder, table, name, row, by, sources })),
    ),
  );
}

function sourcesOf(folder) {
  const files = filesBelow(folder).filter((file) => /(?<!\.test)\.ts$/.test(file));
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
}

function toSite({ name, row, by }) {
  const { code = 'INVALID_ARGUMENT', field, text, effect, ...told } = row;
  const whole = field === undefined ? text : `${field}: ${text}`;
  return {
    ...told,
    name,
    code,
    text: whole.replace(/\{(\w+)\}/g, (_, parameter) => placeOf(parameter)),
    side: by,
    effect: effect ?? (REFUSALS.includes(code) ? 'none' : 'possible'),
  };
}

function unused({ folder, table, name, sources }) {
  const isUsed = new RegExp(`\\b${table}\\.${name}\\b|'${name}'`).test(sources);
  return isUsed ? [] : [`${folder}: nothing makes ${table}.${name}`];
}

/** Rows that send the same reason in the same domain. */
function repeated(rows) {
  const reasons = rows.filter(({ row }) => row.domain !== undefined).map(({ name, row }) => `${row.domain}/${name}`);
  const twice = reasons.filter((reason, index) => reasons.indexOf(reason) !== index);
  return twice.map((reason) => `two rows have the reason ${reason}`);
}
