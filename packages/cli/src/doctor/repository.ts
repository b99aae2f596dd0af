import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Finding, parseFinding } from './finding.js';

/** What scripts/doctor of a clone can tell. It is plain JavaScript, so that it does without the build that it looks at. */
export interface RepositoryDoctor {
  examine(subject: { readonly data: string; readonly environment: NodeJS.ProcessEnv }): AsyncIterable<Finding>;
  /** Where the registry of the system that runs on `data` is; undefined where none does. */
  runningRegistry(data: string): Promise<string | undefined>;
}

/** The doctor of the clone that this is part of; undefined in an image, which holds no repository. */
export async function loadRepositoryDoctor(repository: string): Promise<RepositoryDoctor | undefined> {
  const file = path.join(repository, 'scripts/doctor/checks.mjs');
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
