/** The builds of `rondo dev`. */
import { compile } from '../build/build.js';
import { install } from '../build/install.js';
import { arePagesFresh, bundlePages } from '../build/pages.js';
import { generate } from '../generate/generate.js';
import { type Fault, parseFaults } from './faults.js';

/** The faults that a build has found, and of them those of the compiler: a service with one must not be started. */
export type Built = Readonly<Record<'faults' | 'ofCode', readonly Fault[]>>;

/**
 * Installs packages if a changed file asks for it, then builds what has changed.
 *
 * @param signal Ends the build between two steps by throwing its reason.
 */
export async function buildChanged(changed: readonly string[], signal: AbortSignal): Promise<Built> {
  if (changed.some((file) => /(?:^|\/)package\.json$|^pnpm-/.test(file)) && !(await install({ signal })))
    return { faults: [{ text: 'Packages could not be installed: see above.' }], ofCode: [] };
  const generated = await generate(signal);
  signal.throwIfAborted();
  const compiled = await compile([], signal);
  signal.throwIfAborted();
  const bundled = arePagesFresh() ? { code: 0 } : await bundlePages();
  const faultsOf = (step: { readonly code: number; readonly output?: string }) =>
    step.code === 0 ? [] : parseFaults(step.output ?? '');
  const ofCode = faultsOf(compiled);
  return { faults: [...faultsOf(generated), ...ofCode, ...faultsOf(bundled)], ofCode };
}
