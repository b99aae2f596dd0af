import type { Paint } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import type { Difference } from './compare.js';
import type { Comparison, InspectedService, InspectedVersion } from './inspect.js';

/** How many differences of each kind are printed. `--json` prints all. */
const SHOWN = 5;

/** The text below a list of instances: the services whose instances have different contracts. */
export function formatDivided(services: readonly InspectedService[], paint: Paint): string {
  const parts = services.map(({ service, compatible, versions }) => {
    const title = `${service}: ${versions.length} versions of the contract`;
    const heading = compatible === false ? paint('red', title) : title;
    const lines = versions.flatMap((version) => formatVersion(version, versions[0]?.fingerprint, paint));
    return ['', heading, ...lines, ''].join('\n');
  });
  return parts.join('');
}

/** @param most the fingerprint that most instances have. A comparison with another version names that version. */
function formatVersion(version: InspectedVersion, most: string | undefined, paint: Paint): readonly string[] {
  const { fingerprint, instances, comparisons, notCompared } = version;
  const [first, ...others] = comparisons;
  return [
    `  ${printable(`${fingerprint}  ${instances.join(', ')}`)}`,
    ...(notCompared === null ? [] : [`    differs, not compared: ${printable(notCompared)}`]),
    ...(first === undefined ? [] : formatComparison(first, first.with === most ? '' : ` with ${first.with}`, paint)),
    // The first comparison has listed what is added and removed.
    ...others.flatMap((other) => formatIncompatible(other, ` with ${other.with}`, paint)),
  ];
}

function formatComparison(comparison: Comparison, withWhat: string, paint: Paint): readonly string[] {
  const { differences } = comparison;
  const compatible = differences.filter(({ kind }) => kind !== 'incompatible');
  const incompatible = formatIncompatible(comparison, withWhat, paint);
  if (compatible.length === 0) {
    return incompatible.length > 0 ? incompatible : [`    compatible${withWhat}: each reads what the other writes`];
  }
  return [...incompatible, `    ${label(differences)}${withWhat}: ${summarise(compatible)}`];
}

function formatIncompatible({ differences }: Comparison, withWhat: string, paint: Paint): readonly string[] {
  const texts = differences.filter(({ kind }) => kind === 'incompatible').map(({ text }) => text);
  return shorten(texts).map((text) => `    ${paint('red', `incompatible${printable(withWhat)}`)}: ${printable(text)}`);
}

/** A version that only adds is newer, and one that only lacks is older. */
function label(differences: readonly Difference[]): string {
  const kinds = new Set(differences.map(({ kind }) => kind));
  if (kinds.size > 1) return kinds.has('incompatible') ? 'besides' : 'compatible';
  if (kinds.has('added')) return 'newer';
  return kinds.has('removed') ? 'older' : 'compatible';
}

function summarise(differences: readonly Difference[]): string {
  const of = (wanted: Difference['kind']) =>
    shorten(differences.filter(({ kind }) => kind === wanted).map(({ text }) => text));
  const [added, removed] = [of('added'), of('removed')];
  const parts = [
    ...(added.length > 0 ? [`adds ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`lacks ${removed.join(', ')}`] : []),
  ];
  return printable(parts.join('; '));
}

function shorten(texts: readonly string[]): readonly string[] {
  if (texts.length <= SHOWN) return texts;
  return [...texts.slice(0, SHOWN), `and ${texts.length - SHOWN} more (--json lists all)`];
}
