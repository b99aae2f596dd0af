import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

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

/** What a check comes to: `note` is a thing that nobody asked for yet, `warn` one that works for now. */
const states = ['ok', 'note', 'warn', 'fail'] as const;

/** One of {@link states}. */
export type State = (typeof states)[number];

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly state: State;
  /** What is so; of a fault also why it matters. */
  readonly detail: string;
  /** What to run or change. */
  readonly remedy?: string;
}

/**
 * Reads a finding that a script of the repository made.
 *
 * @throws Error where it is none.
 */
function parseFinding(value: unknown): Finding {
  const { name, state, detail, remedy }: Partial<Record<keyof Finding, unknown>> = Object(value);
  const known = states.find((one) => one === state);
  if (typeof name !== 'string' || typeof detail !== 'string' || known === undefined) {
    throw new Error(`scripts/doctor found what is no finding: ${JSON.stringify(value)}`);
  }
  return { name, state: known, detail, ...(typeof remedy === 'string' && { remedy }) };
}
