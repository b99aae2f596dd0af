import path from 'node:path';
import { fillFile, type View } from '../template.js';
import { filesBelow } from '../workspace/files.js';
import { tool } from '../workspace/paths.js';
import type { Workload, Workloads } from './workloads.js';

/** Begins each file that is written anew each time. */
export const MARK = '# rondo kubernetes wrote this file, and writes it anew: change it by an overlay.\n';
const FOLDER = 'infra/kubernetes';
/** The folder of the objects that follow from the services. */
export const BASE = `${FOLDER}/base`;
/** The folder of what an overlay may take besides the base. */
export const COMPONENTS = `${FOLDER}/components`;
/** The folder of what is written once, to begin with. */
export const OVERLAYS = `${FOLDER}/overlays`;
/** What the production overlay begins with as the issuer of tokens. It has spaces, so that no process starts with it. */
export const NO_ISSUER = 'RONDO_AUTH_ISSUER=fill in the issuer of tokens';
/** The template of the objects of one service. */
const OF_A_SERVICE = 'base/service.yaml';
const LEAST_REPLICAS = 2;

/** An overlay from before RONDO_AUTH had to be set, with the lines by which its pods run as they did. */
export const withDecision = (overlay: string): string =>
  overlay.includes('RONDO_AUTH=')
    ? overlay
    : overlay.replace(
        /(- name: rondo-settings\n(?: +.*\n)*? +literals:\n)( +)/,
        '$1$2# Every caller may call every method: set RONDO_AUTH=on, with a component tls-…, for only those that the contracts allow.\n' +
          '$2- RONDO_AUTH=off\n$2- RONDO_INSECURE=1\n$2',
      );

/** The files for the services of a workspace, by their paths from the root. */
export function filesFor({ app, workloads, registry }: Workloads): ReadonlyMap<string, string> {
  const viewOf = ({ join: _, instances, public: outside, ...workload }: Workload): View => ({
    app,
    ...workload,
    minReplicas: Math.max(LEAST_REPLICAS, instances),
    public: outside && { publicPort: outside.port, publicVariable: outside.variable },
  });
  const databases = workloads.filter(({ database }) => database !== undefined).map(viewOf);
  const gateway = workloads.find(({ service }) => service === 'gateway');
  const processes = [...workloads, ...(registry === undefined ? [] : [registry])].map(viewOf);
  const view = {
    app,
    workloads: workloads.map(viewOf),
    processes,
    databases,
    hasDatabases: databases.length > 0,
    gateway: gateway && viewOf(gateway),
    registry: registry && viewOf(registry),
  };
  const own: readonly (readonly [string, Workload])[] = [
    ...workloads.map((workload) => [`base/${workload.service}.yaml`, workload] as const),
    ...(registry === undefined ? [] : [['components/registry/objects.yaml', registry] as const]),
  ];
  const shared = filesBelow(path.join(tool, 'templates/kubernetes')).filter((file) => file !== OF_A_SERVICE);
  const texts = [
    ...own.map(([file, workload]) => [file, draw(OF_A_SERVICE, viewOf(workload))] as const),
    ...shared.map((file) => [file, draw(file, view)] as const),
  ];
  return new Map(
    texts
      .filter(([, text]) => text !== '')
      .map(([file, text]) => [`${FOLDER}/${file}`, file.startsWith('overlays/') ? text : MARK + text]),
  );
}

/** A file; empty if there is nothing in it for these services. */
const draw = (file: string, view: View): string => fillFile(`kubernetes/${file}`, view).replace(/^---\n/, '');
