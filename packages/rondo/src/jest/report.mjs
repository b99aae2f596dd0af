/** A reporter of jest: tells the supervisor what runs, and at the end how to run alone what failed. */
import path from 'node:path';
import { quoted } from '../workspace/options.js';

const MAX_COMMANDS = 20;

export default class Report {
  #root;
  #seed;
  #running = new Map();
  #failed = [];

  constructor({ rootDir, seed }) {
    this.#root = rootDir;
    this.#seed = seed;
  }

  onTestFileStart({ path: file }) {
    this.#runs(file, 'loads');
  }

  onTestCaseStart({ path: file }, { fullName }) {
    this.#runs(file, fullName);
  }

  onTestCaseResult({ path: file }, { fullName, status }) {
    this.#runs(file, `after ${fullName}`);
    if (status === 'failed') this.#failed.push([file, fullName]);
  }

  onTestFileResult({ path: file }, { testExecError }) {
    if (testExecError) this.#failed.push([file]);
    this.#running.delete(file);
    this.#tell();
  }

  onRunComplete() {
    if (this.#failed.length === 0) return;
    const commands = this.#failed.slice(0, MAX_COMMANDS).map((one) => `  ${this.#command(one)}`);
    const more = this.#failed.length - commands.length;
    console.error(['\nEach alone:', ...commands, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n'));
  }

  #runs(file, what) {
    this.#running.set(file, what);
    this.#tell();
  }

  #tell() {
    process.send?.([...this.#running].map(([file, what]) => `${path.relative(this.#root, file)}: ${what}`));
  }

  #command([file, name]) {
    const only = name === undefined ? '' : ` -t ${quoted(`^${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`)}`;
    return `npm test -- ${quoted(path.relative(this.#root, file))}${only} --seed=${this.#seed}`;
  }
}
