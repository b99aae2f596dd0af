/** Generates, compiles every package and service, and bundles the pages. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseFaults } from '../dev/faults.js';
import { generate } from '../generate/generate.js';
import { withBuild } from '../workspace/lock.js';
import { dist, isInstalled } from '../workspace/paths.js';
import { type Ended, native, run } from '../workspace/process.js';
import { type StepResult, step } from '../workspace/steps.js';
import { bundleJoin, isJoinFresh } from './bundle-file.js';
import { arePagesFresh, bundlePages } from './pages.js';

/** The projects to compile. The root's tsconfig.json is for editors: it includes tests, whose types `npm run check` checks. */
export const PROJECTS = 'tsconfig.build.json';

/** Makes tsc collect garbage less often: it is a fifth faster, and its memory is free again when it ends. */
const LAZY_COLLECTOR = { GOGC: '400' };

/**
 * Runs tsc's incremental build for the references of {@link PROJECTS}, or for some projects only.
 *
 * @param signal Ends the wait for another command's build.
 */
export function compile(projects: readonly string[] = [], signal?: AbortSignal): Promise<Ended> {
  const args = ['--build', ...(projects.length === 0 ? [PROJECTS] : projects)];
  return withBuild('compile', () => run(native('tsc'), args, { env: LAZY_COLLECTOR }), signal);
}

/** Compiles, with the compiler's faults in the form of `rondo dev`. */
export async function compileReadably(projects: readonly string[], signal?: AbortSignal): Promise<StepResult> {
  const { code, output } = await compile(projects, signal);
  return {
    code,
    output: parseFaults(output)
      .map(({ text }) => text)
      .join('\n'),
  };
}

/**
 * Builds all that has changed. Resolves to false if a step failed; it has printed why.
 *
 * @param options `signal` ends the wait for another command's build.
 */
export async function build({ signal }: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
  const isBuilt = await buildOnly([], signal);
  if (isBuilt && !isInstalled) removeOldChunks(dist);
  return isBuilt;
}

/** A process that runs may still load a chunk of the compilation that it began with. */
const CHUNK_KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** Removes the chunks that scripts/rondo.mjs has long not written: the name of a chunk follows from its content. */
export function removeOldChunks(folder: string): void {
  const modifiedAt = (file: string) => statSync(path.join(folder, file)).mtimeMs;
  const compiledAt = modifiedAt('sources.json');
  const chunks = readdirSync(folder).filter((file) => /-[A-Z0-9]{8}\.mjs(?:\.map)?$/.test(file));
  for (const chunk of chunks) {
    if (modifiedAt(chunk) < compiledAt - CHUNK_KEPT_MS) rmSync(path.join(folder, chunk));
  }
}

/**
 * Generates, compiles and bundles the pages. Resolves to false if a step failed; it has printed why.
 *
 * @param projects Only these and their references; all if the list is empty.
 * @param signal As that of {@link compile}.
 */
export async function buildOnly(projects: readonly string[], signal?: AbortSignal): Promise<boolean> {
  const generated = await step('generate', () => generate(signal));
  if (generated.code !== 0) return false;
  if ((await step('compile', () => compileReadably(projects, signal))).code !== 0) return false;
  if (!isJoinFresh() && (await step('bundle join', bundleJoin)).code !== 0) return false;
  return arePagesFresh() || (await step('bundle the pages', bundlePages)).code === 0;
}

export const main = async (): Promise<number> => ((await build()) ? 0 : 1);
