import { readFileSync, statSync } from 'node:fs';
import { types } from 'node:util';
import { invalid, type Parsed, valid } from './parsers.js';

/** A secret is a line or a few; a larger file is another one. */
const MAX_FILE_BYTES = 64 * 1024;
const FILE_SUFFIX = '_FILE';

/** The variable that names a file with the value of the secret variable `name`, as secrets of containers are mounted. */
export function fileVariable(name: string): string {
  return name + FILE_SUFFIX;
}

/**
 * Reads a secret from its variable, or from the file that its `_FILE` variable names, without white space at its ends. Empty
 * if neither is set. A fault names the variables and never holds the value.
 */
export function readSecret(name: string, environment: Readonly<Record<string, string | undefined>>): Parsed<string> {
  const text = environment[name]?.trim() ?? '';
  const variable = fileVariable(name);
  const path = environment[variable]?.trim() ?? '';
  if (path === '') return valid(text);
  if (text !== '') return invalid(`${name} and ${variable} are both set: give one of them`);
  const content = readSmallFile(path);
  return content.ok
    ? content
    : invalid(`${variable}=${path} ${content.fault}: give the path of a file that holds ${name}`);
}

function readSmallFile(path: string): Parsed<string> {
  try {
    // To read a pipe or a device could take for ever.
    const stats = statSync(path);
    if (!stats.isFile()) return invalid('is not a file');
    if (stats.size > MAX_FILE_BYTES)
      return invalid(`has ${stats.size} bytes, and a secret has at most ${MAX_FILE_BYTES}`);
    const content = readFileSync(path, 'utf8').trim();
    return content === '' ? invalid('is empty') : valid(content);
  } catch (error) {
    return invalid(`can't be read: ${types.isNativeError(error) ? error.message : String(error)}`);
  }
}

/** What a secret is replaced with. */
const HIDDEN = '(hidden)';
/** A shorter text is a word that also stands for other things, such as the password `rondo` of an example. */
const MIN_LENGTH = 8;
/** Where a password is in a URL, which may have several hosts, and in one whose password has characters that it may not have. */
const PASSWORDS = [/^[a-z+]+:\/\/[^:/?#@]*:([^/?#]*)@/i, /^[a-z+]+:\/\/[^:@]*:(.*)@/is, /[?&]password=([^&#]*)/i];

/**
 * Replaces secrets in text that leaves the process. Rondo's own texts have none; error texts of libraries and
 * services may. Secrets and passwords of less than eight characters aren't searched for.
 */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const needles = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  return (text) => needles.reduce((masked, needle) => masked.replaceAll(needle, HIDDEN), text);
}

/** A secret, the password in it and the parts at which a parser may cut it, as they are written in URLs and in JSON. */
function formsOf(secret: string): string[] {
  const passwords = PASSWORDS.flatMap((pattern) => pattern.exec(secret)?.[1] ?? []);
  return [secret, ...passwords.flatMap((password) => [password, decoded(password), ...password.split(/[/?#@]/)])]
    .filter((text) => text.length >= MIN_LENGTH)
    .flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // it has a % that encodes nothing
  }
}
