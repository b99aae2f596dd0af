import path from 'node:path';
import { Refusal } from '../errors.js';
import { moduleOf } from '../packages.js';
import type { Placed, PlacedFile } from './place.js';
import type { Provides } from './platform.js';
import { type ImportGraph, withImports } from './scan.js';

/** The contracts that a new contract must not conflict with. */
export interface Neighbours {
  /** Every contract under `proto/`, with the ones that each imports. */
  readonly imports: ImportGraph;
  /** The service that serves each contract. */
  readonly served: ReadonlyMap<string, string>;
  readonly provides: Provides;
}

interface ConflictOptions extends Neighbours {
  /** The path of a file as the user would write it. */
  readonly shown: (file: string) => string;
}

/** Refuses a contract whose files would replace other files or would be served twice. */
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
 * Unusable paths. A module name is a URL in an import, in quotes, and a file name everywhere. `.test.ts` would be run
 * as a test, `.d.ts` would not be compiled, and a name that begins with a dot isn't compiled either.
 */
const ODD = /[#?%\\:*"'<>|\p{Cc}]|(?:^|\/)(?:\.[^/]*|node_modules|)(?:\/|$)|\.(?:d|test)\.proto$/u;

function refuseOddPath({ path: name, source }: PlacedFile, { shown }: ConflictOptions): void {
  const odd = ODD.exec(name)?.[0];
  if (odd === undefined) return;
  throw new Refusal(`no module can be named ${name.replace(/\.proto$/, '')}, because of "${odd}"`, {
    place: { file: shown(source.file) },
    remedy: 'rename the file, or choose the root folder of its imports with --proto-path DIR',
  });
}

function refuseOtherCase({ path: name, source }: PlacedFile, { imports, shown }: ConflictOptions): void {
  const lower = name.toLowerCase();
  const other = [...imports.keys()].find((file) => file !== name && file.toLowerCase() === lower);
  if (other === undefined) return;
  throw new Refusal(`proto/${name} and proto/${other} differ only in case, which not every file system distinguishes`, {
    place: { file: shown(source.file) },
    remedy: 'rename one of them',
  });
}

/** Refuses to replace another contract's file. A newer version of the same contract may replace the older one. */
function refuseReplaced(
  { path: name, state, source }: PlacedFile,
  { imports, served, shown, isAsked, together }: ConflictOptions & { isAsked: boolean; together: ReadonlySet<string> },
): void {
  const service = served.get(name);
  const place = { file: shown(source.file) };
  if (state !== 'changed' || (isAsked && service === undefined)) return;
  if (service !== undefined) {
    throw new Refusal(`would replace proto/${name}, which services/${service} serves`, {
      place,
      remedy: 'move it to a folder of its own',
    });
  }
  // Direct or indirect imports: the files in between may be the same in both.
  const importers = [...imports.keys()].filter((file) => file !== name && withImports(imports, [file]).has(name));
  const stranger = importers.find((importer) => !together.has(importer));
  if (importers.length > 0 && stranger === undefined) return;
  throw new Refusal(`differs from proto/${name}${stranger === undefined ? '' : `, which ${stranger} imports`}`, {
    place,
    remedy: `merge the two, or build with the existing one: --proto-path proto --proto-path ${shown(rootOf(name, source.file))}`,
  });
}

function refuseProvided({ path: name, source }: PlacedFile, { provides, shown }: ConflictOptions): void {
  if (!provides(name)) return;
  throw new Refusal(`${name} comes with a package, and such files are not copied to proto/`, {
    place: { file: shown(source.file) },
    remedy: `write a service by hand that implements ${moduleOf(name, '@rondo/contracts')}`,
  });
}

/** The services that every service of the platform implements by itself. */
const PLATFORM = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'rondo.stats.v1.CallStatsService',
  'rondo.tracing.v1.TraceService',
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
  throw new Refusal(`services/${service} serves this contract already, and calls would go to either service`, {
    place: { file: shown(source.file) },
    remedy: `change services/${service}, or write a contract in another package`,
  });
}

const rootOf = (name: string, file: string) => file.slice(0, -name.length - 1) || path.parse(file).root;
