import { readFileSync, statSync } from 'node:fs';
import { types } from 'node:util';

/** A secret, or what is wrong with its variables. */
type Secret = { readonly text: string | undefined } | { readonly fault: string };

const MAX_FILE_BYTES = 64 * 1024;

/**
 * Reads `name`, or the file that `<name>_FILE` names, for the provisioning step. `readConfig` of `@rondo/service` does the same for
 * services. The text is undefined if neither variable is set; a fault never holds it.
 */
export function readSecret(name: string, environment: Readonly<Record<string, string | undefined>>): Secret {
  const path = environment[`${name}_FILE`]?.trim() ?? '';
  const text = environment[name];
  if (path === '') return { text };
  if (text !== undefined && text !== '') return { fault: `${name} and ${name}_FILE are both set: give one of them` };
  const fault = (why: string) => ({ fault: `${name}_FILE=${path} ${why}: give the path of a file that holds ${name}` });
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return fault('is not a file');
    return stats.size > MAX_FILE_BYTES ? fault('is too large') : { text: readFileSync(path, 'utf8').trim() };
  } catch (error) {
    return fault(`can't be read: ${types.isNativeError(error) ? error.message : String(error)}`);
  }
}
