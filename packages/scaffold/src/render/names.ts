import type { ServiceContract } from '../contract/index.js';
import { camelCase, kebabCase, pascalCase } from '../words.js';
import type { NamedService } from './blueprint.js';

/** Files that every service has beside its handlers. */
const FILES = ['app', 'config', 'main', 'index'];
/** What app.ts and a file of handlers call something else. */
const VALUES = ['createApp', 'database', 'implement', 'log', 'openDatabase', 'unimplemented', 'unwritten'];
/** What is there without being declared, which lint lets nobody hide. */
const GLOBALS = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'globalThis'],
  ...['isFinite', 'isNaN', 'parseFloat', 'parseInt', 'unescape'],
];
/** Words that name no value. */
const WORDS =
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
  'false finally for function if implements import in instanceof interface let new null package private protected ' +
  'public return static super switch this throw true try typeof undefined var void while with yield';

/** Names for the handlers of each service, no two alike: short where that is clear. */
export function nameHandlers(
  services: readonly ServiceContract[],
  taken: readonly string[] = [],
): readonly NamedService[] {
  const files = new Set([...FILES, ...taken]);
  const values = new Set([...VALUES, ...GLOBALS, ...WORDS.split(' '), ...taken.map(camelCase)]);
  const definitions = new Set(taken);
  const claim = (used: Set<string>, candidates: readonly string[]) => {
    const name = firstFree(candidates, used);
    used.add(name);
    return name;
  };
  return services.map((contract) => {
    const { fullName, name, definition } = contract;
    const short = name.replace(/(?<=.)_?Service$/, '');
    const spellings = [short, name, `${short}_handlers`, fullName].filter((spelling) => /[A-Za-z]/.test(spelling));
    const qualified = `${fullName.replaceAll(/[^A-Za-z\d]+/g, '_')}_Definition`;
    const names = {
      file: claim(files, spellings.map(kebabCase)),
      value: claim(values, spellings.map(camelCase)),
      definition: claim(definitions, [definition, pascalCase(qualified)]),
    };
    return { contract, names };
  });
}

/** The first that nobody has; else the last with a number. */
function firstFree(candidates: readonly string[], used: ReadonlySet<string>): string {
  const free = candidates.find((candidate) => !used.has(candidate));
  if (free !== undefined) return free;
  const last = candidates.at(-1) ?? 'handlers';
  let number = 2;
  while (used.has(`${last}${number}`)) number += 1;
  return `${last}${number}`;
}
