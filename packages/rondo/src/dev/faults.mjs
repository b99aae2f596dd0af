/** The faults that tsc and buf print, in a readable form, each once. Faults of handlers become one line that says what to do. */
const COMPILER = /^(?<file>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): error (?<text>TS\d+: .*)$/;
const BUF = /^(?<file>[^\s:][^:]*):(?<line>\d+):(?<column>\d+):(?<text>.*)$/;

/**
 * @typedef {object} Fault
 * @property {string} [file] Relative to the repository.
 * @property {string} text The place and the message; further lines are indented.
 */

/**
 * @param {string} output The output of tsc or buf.
 * @returns {Fault[]}
 */
export function parseFaults(output) {
  const faults = [];
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) {
    const { file, line: row, column, text } = (COMPILER.exec(line) ?? BUF.exec(line))?.groups ?? {};
    const last = faults.at(-1);
    if (file !== undefined) faults.push({ file, place: `${file}:${row}:${column}`, text });
    else if (last !== undefined && /^\s/.test(line)) last.text += `\n${line}`;
    else faults.push({ text: line });
  }
  return withoutConsequences(faults).map(({ file, place, text }) =>
    file === undefined ? { text } : { file, text: `${place} ${describeHandlers(file, text) ?? shortenTypes(text)}` },
  );
}

/** Drops faults of untyped parameters in files with a handler of an unknown method: they follow from it. */
function withoutConsequences(faults) {
  const files = new Set(faults.filter(({ text }) => namesUnknownMethod(text)).map(({ file }) => file));
  return faults.filter(({ file, text }) => !(files.has(file) && /^TS70(?:06|19|31): /.test(text)));
}

/**
 * Whether a compile error affects `service`: its file is in the service's folder or in a shared package.
 * @param {Fault} fault
 * @param {string} service
 */
export function concerns({ file }, service) {
  const [, owner] = /^services\/([^/]+)\//.exec(file ?? '') ?? [];
  return owner === undefined || owner === service;
}

/**
 * Makes a report that prints only faults that are new since the last call.
 * @param {(text: string) => void} tell
 * @returns {(found: { key?: string, text: string }[]) => void} Faults with the same key, or else the same text, are the same.
 */
export function createReport(tell) {
  let known = new Set();
  return (found) => {
    const now = new Map(found.map(({ key, text }) => [key ?? text, text]));
    for (const [key, text] of now) if (!known.has(key)) tell(text);
    known = new Set(now.keys());
  };
}

/** The type of a service's handlers, as the compiler prints it. */
const HANDLERS = /'Handlers<\{[^']*?readonly fullName: "(?<service>[\w.]+)"/;
const MISSING = /Property '(?<key>[^']+)' is missing in type /;
const SEVERAL_MISSING = /is missing the following properties from type '[^']*': (?<keys>[^\n]+?)\.?$/m;
const UNKNOWN = /Object literal may only specify known properties, (?:and|but) '(?<key>[^']+)' does not exist in type /;
const MEANT = /Did you mean to write '(?<meant>[^']+)'\?/;
const MAX_TYPE = 80;

/**
 * Describes a method without a handler, or a handler without a method; undefined for other faults.
 * @param {string} file The file of the fault, relative to the repository.
 * @param {string} text The compiler's message, with all its lines.
 * @returns {string | undefined}
 */
function describeHandlers(file, text) {
  const { service } = HANDLERS.exec(text)?.groups ?? {};
  if (service === undefined) return undefined;
  const { key } = UNKNOWN.exec(text)?.groups ?? {};
  if (key !== undefined) {
    const { meant } = MEANT.exec(text)?.groups ?? {};
    const remedy = meant === undefined ? `remove the handler ${key}` : `remove the handler ${key}, or call it ${meant}`;
    return `${service} has no method ${methodOf(key)}: ${remedy}`;
  }
  const keys = MISSING.exec(text)?.groups.key ?? SEVERAL_MISSING.exec(text)?.groups.keys;
  return keys === undefined ? undefined : describeMissing(file, service, keys.split(', '));
}

/**
 * Whether the fault is a handler whose method isn't in the contract.
 * @param {string} text
 */
const namesUnknownMethod = (text) => HANDLERS.test(text) && UNKNOWN.test(text);

/** `keys` as the compiler lists them, five at most: `a, b, c, d, and 3 more`. */
function describeMissing(file, service, keys) {
  const named = keys.filter((key) => /^\w+$/.test(key));
  const more = keys.length > named.length ? ', …' : '';
  const methods = named.map((key) => `${service}/${methodOf(key)}`).join(', ');
  const [, folder] = /^services\/([^/]+)\//.exec(file) ?? [];
  const command = folder === undefined ? '' : `, or run: ./rondo new service ${folder}`;
  return `no handler for ${methods}${more}: add ${named.join(', ')}${more}${command}`;
}

/** `sayHello` is `SayHello` in the contract. */
const methodOf = (key) => key.charAt(0).toUpperCase() + key.slice(1);

/**
 * Shortens long types in a message: the compiler prints them in full.
 * @param {string} text The compiler's message.
 */
const shortenTypes = (text) =>
  text.replaceAll(/'([^'\n]+)'/g, (quoted, type) =>
    type.length > MAX_TYPE ? `'${type.slice(0, MAX_TYPE).trimEnd()} …'` : quoted,
  );
