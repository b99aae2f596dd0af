/** Checks whether installed packages, generated code and built code match the sources. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PROJECTS } from '../build/build.js';
import { installed } from '../build/install.js';
import { isGenerated } from '../generate/generate.js';
import { filesBelow, manifestFolders, projectFolders, readJson } from '../workspace/files.js';
import { root } from '../workspace/paths.js';
import { native, run } from '../workspace/process.js';
import { fail, note, type Outcome, ok, type Subject, warn } from './finding.js';
import { findSystem } from './system.js';

const BUILD = 'npm run build';
const MAX_NAMED = 3;

export function packages(): Outcome {
  if (!existsSync(path.join(root, 'node_modules'))) return note('not installed yet: npm start installs them', BUILD);
  if (!installed()) return warn('not those of the lock file, or not all: other versions run than are pinned', BUILD);
  // Dangling links included, whatever the installation's stamp says.
  const missing = manifestFolders(root).flatMap((folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson(path.join(root, folder, 'package.json'));
    const asked = Object.keys({ ...dependencies, ...devDependencies });
    return asked
      .filter((one) => !existsSync(path.join(root, folder, 'node_modules', one, 'package.json')))
      .map((one) => `${one} of ${path.join(folder, 'package.json')}`);
  });
  if (missing.length > 0) {
    return fail(`not all are in node_modules: ${name(missing)}`, `rm -rf node_modules && ${BUILD}`);
  }
  return ok('those of the lock file');
}

const name = (all: readonly string[]) =>
  all.length <= MAX_NAMED ? all.join(', ') : `${all.slice(0, MAX_NAMED).join(', ')} and ${all.length - MAX_NAMED} more`;

export function generated(): Outcome {
  if (isGenerated()) return ok('matches proto/');
  const any = existsSync(path.join(root, 'packages/contracts/descriptors.binpb'));
  if (!any) return note('not generated yet: npm start generates it', BUILD);
  return warn(
    'proto/, buf or a plugin has changed since, or a stub is missing: stubs and contracts differ',
    './rondo generate',
  );
}

/** Where callers are checked, and what is open where they aren't. */
export async function callers({ data }: Subject): Promise<Outcome> {
  if (!existsSync(path.join(root, 'packages/contracts/descriptors.binpb')))
    return note('not known before a build', BUILD);
  const { decisionsIn, openIn } = await import('../contract/auth-matrix.js');
  const decisions = [...decisionsIn(root)];
  const withDecision = (wanted?: string) => decisions.filter(([, auth]) => auth === wanted).map(([file]) => file);
  const [undecided, off] = [withDecision(), withDecision('off')];
  if (undecided.length > 0) {
    return warn(
      `RONDO_AUTH isn't set in ${undecided.join(', ')}: services whose contracts restrict callers don't start there`,
      'set it to on, which needs TLS, or to off',
    );
  }
  const open = openIn(root);
  if (open === undefined) return ok('no contract restricts them');
  const { auth } = await findSystem(data);
  if (!auth) return note(`RONDO_AUTH is off in ${['npm start without --auth', ...off].join(', ')}: ${open}`);
  const on = 'RONDO_AUTH is on in the system that runs';
  return off.length === 0 ? ok(on) : note(`${on}, and off in ${off.join(', ')}: ${open}`);
}

export async function built(): Promise<Outcome> {
  if (!existsSync(native('tsc'))) return note('not known: the compiler is not installed yet', BUILD);
  // tsc trusts its .tsbuildinfo, and doesn't write missing files again.
  const holed = projectFolders(root).filter(hasHoles);
  if (holed.length > 0) {
    const folders = holed.map((folder) => path.join(folder, 'dist')).join(' ');
    return fail(`files are missing from ${folders.replaceAll(' ', ', ')}`, `rm -rf ${folders} && ${BUILD}`);
  }
  const { code, output } = await run(native('tsc'), ['--build', '--dry', PROJECTS]);
  if (code !== 0) return warn(`not known: ${output.trim().split('\n')[0]}`, BUILD);
  const stale = [...output.matchAll(/would build project '(.*)\/tsconfig\.json'/g)].map(([, at = '']) =>
    path.relative(root, at),
  );
  if (stale.length === 0) return ok('matches the sources');
  return warn(`older than the sources: ${stale.join(', ')}; what runs was built before`, './rondo build');
}

/** Whether a project was built, and built files are missing now. */
function hasHoles(folder: string): boolean {
  const dist = path.join(root, folder, 'dist');
  if (!existsSync(path.join(dist, '.tsbuildinfo'))) return false;
  const there = new Set(filesBelow(dist));
  return (
    filesBelow(path.join(root, folder, 'src'))
      .filter((file) => /(?<!\.d|\.test)\.ts$/.test(file))
      .map((file) => file.replace(/\.ts$/, ''))
      // A package whose pages are bundled has its declarations alone.
      .some((file) => !there.has(`${file}.js`) && !there.has(`declarations/${file}.d.ts`))
  );
}
