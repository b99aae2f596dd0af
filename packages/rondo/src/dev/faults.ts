import { console } from '../terminal/console.js';

/** The faults that tsc and buf print, in a readable form, each once. Faults of handlers become one line that says what to do. */
const COMPILER = /^(?<file>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): error (?<text>TS\d+: .*)$/;
const BUF = /^(?<file>[^\s:][^:]*):(?<line>\d+):(?<column>\d+):(?<text>.*)$/;

export interface Fault {
  /** Relative to the workspace. */
  readonly file?: string;
  /** The place and the message; further lines are indented. */
  readonly text: string;
}

/** A fault as it was printed; `place` is empty without a file. */
interface Printed {
  readonly file: string;
  readonly place: string;
  text: string;
}

/** Reads the output of tsc or buf. */
export function parseFaults(output: string): readonly Fault[] {
  const faults: Printed[] = [];
  for (const line of output.split('\n').filter((one) => one.trim() !== '')) {
    const { file = '', line: row, column, text = line } = (COMPILER.exec(line) ?? BUF.exec(line))?.groups ?? {};
    const last = faults.at(-1);
    if (file === '' && last !== undefined && /^\s/.test(line)) last.text += `\n${line}`;
    else faults.push({ file, place: file === '' ? '' : `${file}:${row}:${column} `, text });
  }
  const unknown = new Set(
    faults.filter(({ text }) => HANDLERS.test(text) && UNKNOWN.test(text)).map(({ file }) => file),
  );
  return faults
    .filter(({ file, text }) => !(unknown.has(file) && FOLLOWS.test(text)))
    .map(({ file, place, text }) => {
      // The compiler prints long types in full.
      const short = text.replaceAll(/'([^'\n]{81,})'/g, (_, type: string) => `'${type.slice(0, 80).trimEnd()} …'`);
      return file === '' ? { text } : { file, text: `${place}${describeHandlers(file, text) ?? short}` };
    });
}

/** Whether a compile error affects `service`: its file is in the service's folder or in a shared package. */
export function concerns({ file = '' }: Fault, service: string): boolean {
  const owner = serviceOf(file);
  return owner === undefined || owner === service;
}

const serviceOf = (file: string): string | undefined => /^services\/([^/]+)\//.exec(file)?.[1];

/** Makes a report that prints only faults that are new since the last call. Those with the same key, or else text, are the same. */
export function createReport() {
  let known: ReadonlySet<string> = new Set();
  return (found: readonly { readonly key?: string; readonly text: string }[]): void => {
    const now = new Map(found.map(({ key, text }) => [key ?? text, text]));
    for (const [key, text] of now) if (!known.has(key)) console.log(text);
    known = new Set(now.keys());
  };
}

/** The type of a service's handlers, as the compiler prints it. */
const HANDLERS = /'Handlers<\{[^']*?readonly fullName: "(?<service>[\w.]+)"/;
const MISSING = /Property '(?<key>[^']+)' is missing in type /;
const SEVERAL_MISSING = /is missing the following properties from type '[^']*': (?<keys>[^\n]+?)\.?$/m;
const UNKNOWN = /Object literal may only specify known properties, (?:and|but) '(?<key>[^']+)' does not exist in type /;
const MEANT = /Did you mean to write '(?<meant>[^']+)'\?/;
/** Untyped parameters: in a file with a handler of an unknown method they follow from it. */
const FOLLOWS = /^TS70(?:06|19|31): /;

/** Describes a method without a handler, or a handler without a method; undefined for other faults. */
function describeHandlers(file: string, text: string): string | undefined {
  const service = HANDLERS.exec(text)?.groups?.service;
  if (service === undefined) return undefined;
  const key = UNKNOWN.exec(text)?.groups?.key;
  if (key !== undefined) {
    const meant = MEANT.exec(text)?.groups?.meant;
    const renamed = meant === undefined ? '' : `, or call it ${meant}`;
    return `${service} has no method ${methodOf(key)}: remove the handler ${key}${renamed}`;
  }
  const keys = MISSING.exec(text)?.groups?.key ?? SEVERAL_MISSING.exec(text)?.groups?.keys;
  return keys === undefined ? undefined : describeMissing(file, service, keys.split(', '));
}

/** `keys` as the compiler lists them, five at most: `a, b, c, d, and 3 more`. */
function describeMissing(file: string, service: string, keys: readonly string[]): string {
  const named = keys.filter((key) => /^\w+$/.test(key));
  const more = keys.length > named.length ? ', …' : '';
  const methods = named.map((key) => `${service}/${methodOf(key)}`).join(', ');
  const owner = serviceOf(file);
  const command = owner === undefined ? '' : `, or run: ./rondo new service ${owner}`;
  return `no handler for ${methods}${more}: add ${named.join(', ')}${more}${command}`;
}

/** `sayHello` is `SayHello` in the contract. */
const methodOf = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1);
