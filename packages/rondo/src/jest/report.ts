/** A reporter of jest: tells at the end how to run alone what failed. */
import path from 'node:path';
import { console } from '../terminal/console.js';
import { quoted } from '../workspace/options.js';

const MAX_COMMANDS = 20;

/** A test file, as jest names it. */
interface TestFile {
  readonly path: string;
}

/** The end of a test case. */
interface TestCase {
  readonly fullName: string;
  readonly status: string;
}

export default class Report {
  readonly #root: string;
  readonly #seed: number;
  /** The files that failed, each with the name of the test if it was one. */
  readonly #failed: [file: string, name?: string][] = [];

  constructor({ rootDir, seed }: { readonly rootDir: string; readonly seed: number }) {
    this.#root = rootDir;
    this.#seed = seed;
  }

  onTestCaseResult({ path: file }: TestFile, { fullName, status }: TestCase): void {
    if (status === 'failed') this.#failed.push([file, fullName]);
  }

  onTestFileResult({ path: file }: TestFile, { testExecError }: { readonly testExecError?: unknown }): void {
    if (testExecError) this.#failed.push([file]);
  }

  onRunComplete(): void {
    if (this.#failed.length === 0) return;
    const commands = this.#failed.slice(0, MAX_COMMANDS).map((one) => `  ${this.#command(one)}`);
    const more = this.#failed.length - commands.length;
    console.error(['\nEach alone:', ...commands, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n'));
  }

  #command([file, name]: [file: string, name?: string]): string {
    const only = name === undefined ? '' : ` -t ${quoted(`^${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`)}`;
    return `npm test -- ${quoted(path.relative(this.#root, file))}${only} --seed=${this.#seed}`;
  }
}
