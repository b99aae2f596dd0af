import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { decisionsIn, openIn } from '../contract/auth-matrix.js';
import { filesAt } from '../scaffold/repository.js';
import { BASE, COMPONENTS, filesFor, MARK, NO_ISSUER, OVERLAYS } from './files.js';
import { readWorkloads, type Workload } from './workloads.js';

/** What has been done to files, by their paths from the root. */
export interface Written {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** What overlays don't name, such as a service that came later, and the plugins that services don't pass. */
  readonly lacking: readonly string[];
  /** Where callers aren't checked, and what they may call. */
  readonly open: readonly string[];
}

/**
 * Writes the manifests of the services of a workspace that is built: the base and the components anew, overlays only if there are none.
 *
 * @throws Error if a file of the base isn't the tool's.
 */
export function writeManifests(root: string): Written {
  const read = readWorkloads(root);
  const all = [...filesFor(read)];
  const isBegun = existsSync(path.join(root, OVERLAYS));
  const base = new Map(all.filter(([file]) => !file.startsWith(OVERLAYS)));
  // A component of someone else's is no business of the tool's.
  const own = filesAt(root, COMPONENTS).filter((file) => textOf(root, file)?.startsWith(MARK));
  const stale = [...filesAt(root, BASE), ...own].filter((file) => !base.has(file));
  const foreign = [...base.keys(), ...stale].find((file) => textOf(root, file)?.startsWith(MARK) === false);
  if (foreign !== undefined) {
    throw new Error(`${foreign} wasn't written by rondo kubernetes; move what it has to an overlay, and delete it`);
  }
  const wanted = (isBegun ? [...base] : all).filter(([file, text]) => textOf(root, file) !== text);
  const added = wanted.filter(([file]) => textOf(root, file) === undefined).map(([file]) => file);
  for (const [file, text] of wanted) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  for (const file of stale) rmSync(path.join(root, file));
  const changed = wanted.map(([file]) => file).filter((file) => !added.includes(file));
  const lacking = [...lackingIn(root, read.workloads), ...undecidedIn(root), ...withoutPlugins(root, read.workloads)];
  const methods = openIn(root);
  const off = [...decisionsIn(root)].filter(([file, auth]) => file.startsWith(OVERLAYS) && auth === 'off');
  const open = methods === undefined ? [] : off.map(([file]) => `${file} has RONDO_AUTH=off: ${methods}`);
  return { added, changed, removed: stale, lacking, open };
}

function undecidedIn(root: string): readonly string[] {
  const overlays = [...decisionsIn(root)].filter(([file]) => file.startsWith(OVERLAYS));
  return overlays.flatMap(([file, auth]) => {
    if (auth === undefined)
      return `${file} has no RONDO_AUTH in rondo-settings: add it, on with TLS or off, as the file is yours`;
    if (textOf(root, file)?.includes(NO_ISSUER) !== true) return [];
    return `${file} has no issuer of tokens in RONDO_AUTH_ISSUER: fill it in, as no pod starts before`;
  });
}

/** Writes the manifests anew if there are some, after services have come or gone. @returns what the overlays lack. */
export function followServices(root: string): readonly string[] {
  return filesAt(root, BASE).length > 0 ? writeManifests(root).lacking : [];
}

function lackingIn(root: string, workloads: readonly Workload[]): readonly string[] {
  const databases = workloads.filter(({ database }) => database !== undefined);
  const wanted = [
    ['production', 'images', workloads.map(({ image }) => image)],
    ['development', 'secretGenerator', databases.map(({ service }) => `${service}-database`)],
  ] as const;
  return wanted.flatMap(([overlay, what, names]) => {
    const file = `${OVERLAYS}/${overlay}/kustomization.yaml`;
    const text = textOf(root, file);
    const missing = names.filter((name) => text?.includes(`name: ${name}\n`) === false);
    return missing.map((name) => `${file} has no ${name} in ${what}: add it, as the file is yours`);
  });
}

/** The plugins that the manifests' variables need, by what needs them. */
const NEEDED = {
  'registry-kubernetes': 'RONDO_REGISTRY=kubernetes://',
  authentication: 'RONDO_AUTH_ISSUER of the overlays',
};

/** The own services that don't depend on a plugin without which their pods don't start. */
function withoutPlugins(root: string, workloads: readonly Workload[]): readonly string[] {
  return workloads.flatMap(({ service }) => {
    const file = `services/${service}/package.json`;
    const text = textOf(root, file);
    if (text === undefined) return []; // a service of a package
    const { dependencies = {} } = JSON.parse(text);
    return Object.entries(NEEDED)
      .filter(([name]) => dependencies[`@rondo/${name}`] === undefined)
      .map(
        ([name, what]) => `${file} has no @rondo/${name}, which ${what} needs: rondo add ${name} --service ${service}`,
      );
  });
}

function textOf(root: string, file: string): string | undefined {
  const at = path.join(root, file);
  return existsSync(at) ? readFileSync(at, 'utf8') : undefined;
}
