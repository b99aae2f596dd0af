/** What the Prometheus of compose reads. A workspace needn't have it. */
export const PROMETHEUS = 'infra/observe/prometheus.yml';

/** Adds a service to the names in the text of the file, or nothing if it has no list of names. */
export const addToPrometheus = (text: string, service: string): string =>
  text.replace(/^( +)names:\n(?:\1 +- .*\n)+/m, (names, indent: string) => `${names}${indent}  - ${service}\n`);

/** Removes a service and its replicas from the names. */
export const removeFromPrometheus = (text: string, service: string): string =>
  text.replaceAll(new RegExp(`^ +- ${service}(?:-replica)?(?: #.*)?\\n`, 'gm'), '');
