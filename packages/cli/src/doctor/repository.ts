import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
// biome-ignore lint/correctness/useImportExtensions: Biome resolves the types, finding.d.mts, in place of the module.
import { type Finding, parseFinding, type Subject } from '../../../../scripts/doctor/finding.mjs';

// The form of findings is defined once, in scripts/doctor, which must work without a build. The bundle contains that file.
// biome-ignore lint/correctness/useImportExtensions: as above
export type { Finding, Outcome, State } from '../../../../scripts/doctor/finding.mjs';
// biome-ignore lint/correctness/useImportExtensions: as above
export { fail, formatFinding, isHealthy, note, ok, warn } from '../../../../scripts/doctor/finding.mjs';

/** The checks in scripts/doctor of a clone. They are plain JavaScript, so that they run without the build that they examine. */
export interface RepositoryDoctor {
  examine(subject: Subject): AsyncIterable<Finding>;
  /** The address of the registry of the system that runs on the folder `data`; undefined if none runs. */
  runningRegistry(data: string): Promise<string | undefined>;
}

/** Loads the checks of the workspace from the folder of its scripts; undefined in an image, which has none. */
export async function loadRepositoryDoctor(tool: string): Promise<RepositoryDoctor | undefined> {
  const file = path.join(tool, 'doctor/checks.mjs');
  if (!existsSync(file)) return undefined;
  const loaded: unknown = await import(pathToFileURL(file).href);
  const { examineRepository, runningRegistry }: Record<string, unknown> = Object(loaded);
  if (typeof examineRepository !== 'function' || typeof runningRegistry !== 'function') {
    throw new Error(`${file} is not of this version: npm run build`);
  }
  return {
    async *examine(subject) {
      const findings: AsyncIterable<unknown> = examineRepository(subject);
      for await (const finding of findings) yield parseFinding(finding);
    },
    async runningRegistry(data) {
      const address: unknown = await runningRegistry(data);
      return typeof address === 'string' ? address : undefined;
    },
  };
}
