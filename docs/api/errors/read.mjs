/** The errors that Rondo's packages make, from their compiled tables, which `defineErrors` of @rondo/rpc/status has made. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { filesBelow } from '@rondo/tool/workspace';

/** Next to the packages. */
const SERVICES = ['services/registry', 'services/gateway'];
/** A call that ends with one of these may have had an effect, unless the error's row says otherwise. */
const LATE = ['CANCELLED', 'DEADLINE_EXCEEDED', 'INTERNAL', 'OUT_OF_RANGE', 'UNAVAILABLE', 'UNKNOWN'];

/**
 * @typedef {object} ErrorEntry
 * @property {string} code The code's name.
 * @property {string} text With `<name>` for each parameter.
 * @property {string} by What makes it, such as `the client`.
 * @property {string} cause
 * @property {string} remedy
 * @property {'none' | 'possible'} effect
 */

/**
 * @param {string} root Of a repository that is built.
 * @returns {Promise<{ errors: ErrorEntry[], faults: string[] }>} The rows of all tables, and what is wrong with them.
 */
export async function readErrors(root) {
  const packages = ['packages', 'plugins'].flatMap((parent) =>
    readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`),
  );
  const found = await Promise.all([...packages, ...SERVICES].map((folder) => rowsIn(path.join(root, folder))));
  return { errors: found.flat().map(toEntry), faults: faultsOf(found.flat()) };
}

/** The rows of a package, each with the sources that may use it. */
async function rowsIn(folder) {
  const dist = path.join(folder, 'dist');
  const files = filesBelow(dist).filter((file) => /(?:^|\/)errors(?:\/[^/]+)?\.js$/.test(file));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(path.join(dist, file)))));
  const sources = files.length === 0 ? '' : sourcesIn(path.join(folder, 'src'));
  return modules
    .flatMap(Object.entries)
    .flatMap(([table, makers]) =>
      Object.entries(makers).map(([name, { row, by }]) => ({ table, name, row, by, sources })),
    )
    .filter(({ row }) => row !== undefined);
}

function sourcesIn(folder) {
  const files = filesBelow(folder).filter((file) => /(?<!\.test)\.ts$/.test(file));
  return files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
}

function toEntry({ by, row: { code = 'INVALID_ARGUMENT', field, text, effect, cause, remedy } }) {
  const whole = field === undefined ? text : `${field}: ${text}`;
  const shown = whole.replace(/\{(\w+)\}/g, (_, name) => `<${name.replace(/(?=[A-Z])/g, ' ').toLowerCase()}>`);
  return { code, text: shown, by, effect: effect ?? (LATE.includes(code) ? 'possible' : 'none'), cause, remedy };
}

/** Rows that nothing makes an error of, and reasons of `google.rpc.ErrorInfo` that two rows of a domain have. */
export function faultsOf(rows) {
  const unused = rows.filter(
    ({ table, name, sources }) => !new RegExp(`\\b${table}\\.${name}\\b|'${name}'`).test(sources),
  );
  const reasons = rows.filter(({ row }) => row.domain !== undefined).map(({ name, row }) => `${row.domain}/${name}`);
  const repeated = reasons.filter((reason, index) => reasons.indexOf(reason) !== index);
  return [
    ...unused.map(({ table, name }) => `nothing makes ${table}.${name}: delete the row`),
    ...repeated.map((reason) => `two rows have the reason ${reason}: rename one`),
  ];
}
