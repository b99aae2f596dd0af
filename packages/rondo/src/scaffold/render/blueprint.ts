import type { ServiceContract } from '../contract/contract.js';
import type { ResourceContract } from '../contract/resources.js';
import type { WorkspacePackages } from '../packages.js';
import { camelCase, kebabCase, pascalCase, RESERVED_WORDS, snakeCase } from '../words.js';

/** The description of a new service, from which its files are rendered. */
export interface Blueprint {
  /** `greeter`: its folder under `services/`. */
  readonly name: string;
  readonly port: number;
  /** The contracts that it serves, as paths under `proto/`. */
  readonly contracts: readonly string[];
  readonly services: readonly NamedService[];
  readonly database: string | undefined;
  readonly packages: WorkspacePackages;
  /** The scope that each method needs while security is on, if the starter contract says so. The first test uses it. */
  readonly scope: string | undefined;
}

/** A gRPC service, with the names of its handlers in the code. */
export interface NamedService {
  readonly contract: ServiceContract;
  readonly names: HandlerNames;
  readonly resources: readonly NamedResource[];
}

export interface NamedResource {
  readonly contract: ResourceContract;
  /** `orderLines`: the constant with its definition. */
  readonly value: string;
  /** `order_lines` */
  readonly table: string;
  /** Fields whose values are unique, by their names in code. */
  readonly unique: readonly string[];
}

export const resourcesOf = (services: readonly NamedService[]): readonly NamedResource[] =>
  services.flatMap(({ resources }) => resources);

/** The names of the handlers of one gRPC service in the code. */
interface HandlerNames {
  /** `greeter`: the file in `src/`, without its extension. */
  readonly file: string;
  /** `greeter`: the constant that it exports. */
  readonly value: string;
  /** `GreeterDefinition`, or another name in app.ts if that one is taken. */
  readonly definition: string;
}

/** Files that every service has besides its handlers. */
const FILES = ['app', 'config', 'main', 'index'];
/** Names with another meaning in app.ts or in a file of handlers. */
const VALUES = [
  ...['createApp', 'database', 'implement', 'log', 'openDatabase', 'unimplemented', 'unwritten'],
  ...['context', 'defineResource', 'reference', 'standardMethods'],
];
/** Global names, which the linter doesn't allow to be shadowed. */
const GLOBALS = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...['decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'globalThis'],
  ...['isFinite', 'isNaN', 'parseFloat', 'parseInt', 'unescape'],
];
/** Chooses unique names for the handlers of each service, and for its resources: short ones if they are unambiguous. */
export function nameHandlers(
  services: readonly ServiceContract[],
  taken: readonly string[] = [],
  unique: readonly string[] = [],
): readonly NamedService[] {
  const tables = new Set<string>();
  const files = new Set([...FILES, ...taken]);
  const values = new Set([...VALUES, ...GLOBALS, ...RESERVED_WORDS, ...taken.map(camelCase)]);
  const definitions = new Set(taken);
  const claim = (used: Set<string>, candidates: readonly string[]) => {
    const name = firstFree(candidates, used);
    used.add(name);
    return name;
  };
  return services.map((contract) => {
    const { fullName, name, definition } = contract;
    const short = name.replace(/(?<=.)_?Service$/, '');
    const [{ many = '' } = {}, ...more] = contract.resources;
    const [file, value] = contract.resources.length === 0 ? [short, short] : [more.length === 0 ? many : short, name];
    const resources = contract.resources.map((one) => ({
      contract: one,
      value: claim(values, [camelCase(one.many), `${camelCase(one.many)}Resource`]),
      table: claim(tables, [snakeCase(one.many), snakeCase(`${one.description.pattern.split('/')[0]} ${one.many}`)]),
      unique,
    }));
    const spellings = [short, name, `${short}_handlers`, fullName].filter((spelling) => /[A-Za-z]/.test(spelling));
    const qualified = `${fullName.replaceAll(/[^A-Za-z\d]+/g, '_')}_Definition`;
    const names = {
      file: claim(files, [file, ...spellings].map(kebabCase)),
      value: claim(values, [value, ...spellings].map(camelCase)),
      definition: claim(definitions, [definition, pascalCase(qualified)]),
    };
    return { contract, names, resources };
  });
}

/** The first unused candidate, else the last one with a number. */
function firstFree(candidates: readonly string[], used: ReadonlySet<string>): string {
  const free = candidates.find((candidate) => !used.has(candidate));
  if (free !== undefined) return free;
  const last = candidates.at(-1) ?? 'handlers';
  let number = 2;
  while (used.has(`${last}${number}`)) number += 1;
  return `${last}${number}`;
}
