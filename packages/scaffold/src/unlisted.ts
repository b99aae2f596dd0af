import { existsSync } from 'node:fs';
import path from 'node:path';
import { scan } from './contract/scan.js';
import { type Manifest, readManifests } from './manifests.js';
import { filesAt, readText } from './repository.js';
import { parseYaml } from './root-files/yaml-file.js';
import { isBelow, isUnclosed, linesOf, pathsWith, SAMPLES, textFiles } from './samples.js';

/** Files that may name a sample when it is gone: history, examples in help and docstrings, and what `rondo remove service` edits itself. */
const EXEMPT = ['CHANGELOG.md', 'docs/adr', 'docs/generated', 'docs/reference/cli.md', 'docker-compose.yml'];
/** Folders that may write the name of a sample as an example, and only don't import its contract. */
const OURS = ['packages', 'services'];
/** A fork may have deleted it whole. */
const LABORATORY = 'lab';
/** Folders whose files call running services by their names. */
const CALLERS = ['e2e', 'scripts', 'infra', '.ci'];

/**
 * Finds what would break when a sample is removed: a line that imports its contract, names its folder or one of its gRPC services
 * or, in a journey, benchmark or script, calls it by its name, in a file that doesn't go with it. Also finds entries of {@link SAMPLES}
 * without a file or a service, and marks without an end.
 *
 * @returns A line for each, which says what to do.
 */
export function findUnlisted(root: string): readonly string[] {
  if (!existsSync(path.join(root, SAMPLES))) return [];
  const manifests = readManifests(root);
  const entries = Object.entries(Object(parseYaml(SAMPLES, readText(root, SAMPLES)).value()));
  const names = [...new Set(entries.flatMap(([, needed]) => needed).map(String))].sort();
  return [
    ...entries
      .filter(([entry]) => entry !== LABORATORY && filesAt(root, entry).length === 0)
      .map(([entry]) => `${SAMPLES}: there is no ${entry}`),
    ...textFiles(root)
      .filter((file) => isUnclosed(readText(root, file)))
      .map((file) => `${file}: a "sample:" on a line of its own lacks its "/sample"`),
    ...names.flatMap((name) => {
      const manifest = manifests.find(({ service }) => service === name);
      if (manifest === undefined) return [`${SAMPLES}: there is no service ${name}`];
      return isOwn(manifest) ? [] : findUses(root, manifest, names);
    }),
  ];
}

/** Whether a service is Rondo's own. It may be removed, but its name is a word that is used for more than the service. */
const isOwn = ({ contracts }: Manifest) =>
  contracts.length > 0 && contracts.every((contract) => contract.startsWith('rondo/'));

function findUses(root: string, manifest: Manifest, samples: readonly string[]): readonly string[] {
  const { service, contracts } = manifest;
  const along = pathsWith(root, service);
  const folders = contracts.map((contract) => `proto/${path.posix.dirname(contract)}`);
  const own = [...samples.map((name) => `services/${name}`), ...folders, ...along, ...EXEMPT];
  const patternOf = patternsOf(root, manifest);
  return textFiles(root)
    .filter((file) => !isBelow(file, own))
    .flatMap((file) => {
      const text = readText(root, file);
      const marked = linesOf(text, service);
      const pattern = patternOf(file);
      return text
        .split('\n')
        .flatMap((line, index) =>
          !marked.has(index) && pattern.test(line)
            ? [
                `${file}:${index + 1} needs ${service}: name the file in ${SAMPLES}, or mark the line with "sample: ${service}"`,
              ]
            : [],
        );
    });
}

/** What a line of a file must not name. */
function patternsOf(root: string, { service, contracts }: Manifest): (file: string) => RegExp {
  const services = contracts.flatMap((contract) => {
    const { package: inPackage, declarations } = scan(readText(root, `proto/${contract}`));
    return declarations.filter(({ kind }) => kind === 'service').map(({ name }) => `${inPackage}.${name}`);
  });
  const modules = contracts.map((contract) => contract.replace(/\.proto$/, ''));
  const word = (words: readonly string[]) =>
    `(?<![\\w-])(?:${words.map((one) => one.replaceAll('.', '\\.')).join('|')})(?![\\w-])`;
  const imported = new RegExp(word(modules.map((module) => `@rondo/contracts/${module}`)));
  const named = word([`services/${service}`, ...modules, ...services]);
  const called = new RegExp(`${named}|(?<![\\w./-])${service}(?:-\\d)?(?![\\w./-])`);
  return (file) => {
    if (isBelow(file, OURS)) return imported;
    return isBelow(file, CALLERS) ? called : new RegExp(named);
  };
}
