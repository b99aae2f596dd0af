import path from 'node:path';
import { Refusal } from '../refusal.js';
import { moduleOf } from './code-names.js';
import { type ImportGraph, withImports } from './import-graph.js';
import type { Placed, PlacedFile } from './place.js';
import type { Provides } from './platform.js';

/** What a contract must get along with. */
export interface Neighbours {
  /** Every contract under `proto/`, with what each imports of the others. */
  readonly imports: ImportGraph;
  /** Which service serves which contract. */
  readonly served: ReadonlyMap<string, string>;
  readonly provides: Provides;
}

interface ConflictOptions extends Neighbours {
  /** A file as the user would write it. */
  readonly shown: (file: string) => string;
}

/**
 * Refuses a contract whose files would take the place of others', or would be served twice.
 *
 * @throws Refusal
 */
export function refuseConflicts({ asked, files }: Placed, options: ConflictOptions): void {
  refusePlatform(asked, options);
  for (const file of files) {
    refuseOddPath(file, options);
    refuseOtherCase(file, options);
    refuseReplaced(file, { ...options, isAsked: file === asked, together: new Set(files.map((one) => one.path)) });
  }
  refuseProvided(asked, options);
  refuseServed(asked, options);
}

/**
 * A module's name is a URL where it is imported, in quotes, and a file's name everywhere; `.test.ts` would be run,
 * `.d.ts` not, and what begins with a dot isn't compiled.
 */
const ODD = /[#?%\\:*"'<>|\p{Cc}]|(?:^|\/)(?:\.[^/]*|node_modules|)(?:\/|$)|\.(?:d|test)\.proto$/u;

function refuseOddPath({ path: name, source }: PlacedFile, { shown }: ConflictOptions): void {
  const odd = ODD.exec(name)?.[0];
  if (odd === undefined) return;
  throw new Refusal(`no module can be called ${name.replace(/\.proto$/, '')}, because of "${odd}"`, {
    place: { file: shown(source.file) },
    remedy: 'rename the file, or choose the folder that its imports start from with --proto-path DIR',
  });
}

function refuseOtherCase({ path: name, source }: PlacedFile, { imports, shown }: ConflictOptions): void {
  const lower = name.toLowerCase();
  const other = [...imports.keys()].find((file) => file !== name && file.toLowerCase() === lower);
  if (other === undefined) return;
  throw new Refusal(`proto/${name} and proto/${other} differ in case alone, which not every file system can tell`, {
    place: { file: shown(source.file) },
    remedy: 'rename one of them',
  });
}

/** A newer version of the contract may take the place of the older one; of another contract it may not. */
function refuseReplaced(
  { path: name, state, source }: PlacedFile,
  { imports, served, shown, isAsked, together }: ConflictOptions & { isAsked: boolean; together: ReadonlySet<string> },
): void {
  const service = served.get(name);
  const place = { file: shown(source.file) };
  if (state !== 'changed' || (isAsked && service === undefined)) return;
  if (service !== undefined) {
    throw new Refusal(`would take the place of proto/${name}, which services/${service} serves`, {
      place,
      remedy: 'move it to a folder of its own',
    });
  }
  // Directly or not: what stands between may be the same in both.
  const importers = [...imports.keys()].filter((file) => file !== name && withImports(imports, [file]).has(name));
  const stranger = importers.find((importer) => !together.has(importer));
  if (importers.length > 0 && stranger === undefined) return;
  throw new Refusal(`differs from proto/${name}${stranger === undefined ? '' : `, which ${stranger} imports`}`, {
    place,
    remedy: `make the two one, or build with the one that is there: --proto-path proto --proto-path ${shown(rootOf(name, source.file))}`,
  });
}

function refuseProvided({ path: name, source }: PlacedFile, { provides, shown }: ConflictOptions): void {
  if (!provides(name)) return;
  throw new Refusal(`${name} comes with a package, and nothing that does is copied to proto/`, {
    place: { file: shown(source.file) },
    remedy: `write a service by hand that implements what ${moduleOf(name)} defines`,
  });
}

/** What every service of the platform answers by itself. */
const PLATFORM = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'xds.service.orca.v3.OpenRcaService',
];

function refusePlatform({ source: { scan, file } }: PlacedFile, { shown }: ConflictOptions): void {
  for (const { kind, name, line } of scan.declarations) {
    const fullName = `${scan.package}.${name}`;
    if (kind !== 'service' || !PLATFORM.includes(fullName)) continue;
    const place = { file: shown(file), line };
    throw new Refusal(`every service serves ${fullName} already`, { place, remedy: 'leave it out' });
  }
}

function refuseServed({ path: name, source }: PlacedFile, { served, shown }: ConflictOptions): void {
  const service = served.get(name);
  if (service === undefined) return;
  throw new Refusal(`services/${service} serves this contract already, and a call would go to either`, {
    place: { file: shown(source.file) },
    remedy: `change services/${service}, or write a contract of another package`,
  });
}

const rootOf = (name: string, file: string) => file.slice(0, -name.length - 1) || path.parse(file).root;
