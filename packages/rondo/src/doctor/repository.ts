import { codeOf } from '../workspace/errors.js';
import type { Finding, Subject } from './finding.js';

/** The checks of a workspace. */
export interface RepositoryDoctor {
  examineRepository(subject: Subject): AsyncIterable<Finding>;
  /** The address of the registry of the system that runs on the folder `data`; undefined if none runs. */
  runningRegistry(data: string): Promise<string | undefined>;
}

/** Loads the checks of the workspace; undefined in an image, which has none. */
export async function loadRepositoryDoctor(): Promise<RepositoryDoctor | undefined> {
  try {
    return await import('./checks.js');
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
