import path from 'node:path';
import { type Place, Refusal } from '../errors.js';
import { moduleOf } from '../packages.js';
import { type ImportGraph, withImports } from './imports.js';
import type { Provides } from './platform.js';
import type { Placed, PlacedFile } from './source.js';

/** The contracts that a new contract must not conflict with. Names that both declare are left to the compiler. */
export interface Neighbours {
  /** Every contract under `proto/`, with the ones that each imports. */
  readonly imports: ImportGraph;
  /** The service that serves each contract. */
  readonly served: ReadonlyMap<string, string>;
  readonly provides: Provides;
}

/** Refuses a contract whose files would replace other files or would be served twice. */
export function refuseConflicts({ asked, files, shown }: Placed, { imports, served, provides }: Neighbours): void {
  const together = new Set(files.map((one) => one.path));
  for (const file of files) {
    const place = { file: shown(file.file) };
    refuseName(file, imports, place);
    if (file.state !== 'changed' || (file === asked && !served.has(file.path))) continue;
    const { path: name } = file;
    const server = served.get(name);
    if (server !== undefined) {
      const remedy = 'move it to a folder of its own';
      throw new Refusal(`would replace proto/${name}, which services/${server} serves`, { place, remedy });
    }
    // Direct or indirect imports: the files in between may be the same in both.
    const importers = [...imports.keys()].filter((one) => one !== name && withImports(imports, [one]).has(name));
    const stranger = importers.find((importer) => !together.has(importer));
    // A newer version of the same contract may replace the older one.
    if (importers.length > 0 && stranger === undefined) continue;
    const remedy = `merge the two, or build with the existing one: --proto-path proto --proto-path ${shown(rootOf(file))}`;
    const importer = stranger === undefined ? '' : `, which ${stranger} imports`;
    throw new Refusal(`differs from proto/${name}${importer}`, { place, remedy });
  }
  const place = { file: shown(asked.file) };
  const service = served.get(asked.path);
  if (provides(asked.path))
    throw new Refusal(`${asked.path} comes with a package, and such files are not copied to proto/`, {
      place,
      remedy: `write a service by hand that implements ${moduleOf(asked.path, '@rondo/contracts')}`,
    });
  if (service !== undefined)
    throw new Refusal(`services/${service} serves this contract already, and calls would go to either service`, {
      place,
      remedy: `change services/${service}, or write a contract in another package`,
    });
}

/**
 * Unusable paths. A module name is a URL in an import, in quotes, and a file name everywhere. `.test.ts` would be run
 * as a test, `.d.ts` would not be compiled, and a name that begins with a dot isn't compiled either.
 */
const ODD = /[#?%\\:*"'<>|\p{Cc}]|(?:^|\/)(?:\.[^/]*|node_modules|)(?:\/|$)|\.(?:d|test)\.proto$/u;

function refuseName({ path: name }: PlacedFile, imports: ImportGraph, place: Place): void {
  const odd = ODD.exec(name)?.[0];
  if (odd !== undefined) {
    const remedy = 'rename the file, or choose the root folder of its imports with --proto-path DIR';
    throw new Refusal(`no module can be named ${name.replace(/\.proto$/, '')}, because of "${odd}"`, { place, remedy });
  }
  const other = [...imports.keys()].find((file) => file !== name && file.toLowerCase() === name.toLowerCase());
  if (other === undefined) return;
  const reason = `proto/${name} and proto/${other} differ only in case, which not every file system distinguishes`;
  throw new Refusal(reason, { place, remedy: 'rename one of them' });
}

const rootOf = ({ path: name, file }: PlacedFile) => file.slice(0, -name.length - 1) || path.parse(file).root;
