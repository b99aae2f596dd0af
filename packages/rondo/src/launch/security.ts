/** What a system with --tls or --auth needs: certificates, and a development issuer. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SystemOptions } from './options.js';

type Variables = Readonly<Record<string, string>>;

/** The folder of the person's certificate among those of `rondo certs`. */
export const PERSON = 'person';
/** The file that is there while the system runs with the certificates of its folder. */
export const IN_USE = 'in-use';
export const TRUST_DOMAIN = 'rondo.local';

/** The name of the user; empty if it isn't known, as in a container. */
export const userIn = ({ USER, USERNAME }: Readonly<Record<string, string | undefined>>): string =>
  USER ?? USERNAME ?? '';

/** The name of the person's certificate: that of the user, as far as a SPIFFE id can have it. */
export const personIn = (environment: Readonly<Record<string, string | undefined>>): string =>
  `${PERSON}/${userIn(environment).replace(/[^\w-]+/g, '-') || 'developer'}`;

/** Makes and renews the certificates, and notes for `rondo` whether the system uses them. */
export async function prepareCertificates(
  { data, certs }: Pick<SystemOptions, 'data' | 'certs'>,
  services: readonly string[],
): Promise<void> {
  const note = path.join(data, 'certs', IN_USE);
  rmSync(note, { force: true });
  if (certs === undefined) return;
  const { renewAll } = await import('@rondo/certificates');
  const names = [...services, personIn(process.env)];
  await renewAll(names, { folder: certs, trustDomain: TRUST_DOMAIN, now: new Date() });
  writeFileSync(note, '');
}

/** The variables that give a service its certificate; none without TLS. */
export const tlsVariables = (certs: string | undefined, service: string): Variables =>
  certs === undefined ? {} : { RONDO_TLS: 'on', RONDO_TLS_DIR: path.join(certs, service) };

/** The options with which the launcher itself calls the registry. */
export async function callerTls(certs: string | undefined) {
  if (certs === undefined) return {};
  const { openMutualTls, readTlsSettings } = await import('@rondo/rpc/internal');
  const { systemClock: clock, systemWallClock: wallClock } = await import('@rondo/rpc/clock');
  const settings = readTlsSettings(tlsVariables(certs, PERSON));
  if (settings === undefined) return {};
  return { mutualTls: openMutualTls(settings, { usage: 'client', descriptorSet: undefined, clock, wallClock }) };
}

/** The files of the person's certificate, by the names of grpcurl's options. */
export const grpcurlOptions = (certs: string): string =>
  Object.entries({ cacert: 'ca.crt', cert: 'tls.crt', key: 'tls.key' })
    .map(([option, file]) => `-${option} ${path.join(certs, PERSON, file)}`)
    .join(' ');

/**
 * The variables with which all processes accept the tokens of the development issuer, and API keys; none without --auth. The issuer
 * is made if its folder is empty.
 */
export async function authVariables(folder: string | undefined): Promise<Variables> {
  if (folder === undefined) return {};
  const { DEVELOPMENT, prepareDevelopmentIssuer } = await import('@rondo/authentication');
  const { jwks, apiKeys } = await prepareDevelopmentIssuer(folder);
  return {
    RONDO_AUTH: 'on',
    RONDO_AUTH_ISSUER: DEVELOPMENT.issuer,
    RONDO_AUTH_AUDIENCE: DEVELOPMENT.audience,
    RONDO_AUTH_JWKS: jwks,
    RONDO_API_KEYS: apiKeys,
  };
}
