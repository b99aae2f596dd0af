/** The certificates of a system that runs with TLS. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of the person's certificate. */
const PERSON = 'person';
/** The trust domain of `rondo certs`. */
const TRUST_DOMAIN = 'rondo.local';

/**
 * Makes and renews the certificates, and notes for `rondo` whether the system uses them.
 * @param {import('./options.mjs').Options} options
 * @param {string[]} services
 */
export async function prepareCertificates({ data, certs }, services) {
  const note = path.join(data, 'certs', 'in-use');
  rmSync(note, { force: true });
  if (certs === undefined) return;
  const { renewAll } = await import('@rondo/certificates');
  const user = (process.env.USER ?? '').replace(/[^\w-]+/g, '-') || 'developer';
  const options = { folder: certs, trustDomain: TRUST_DOMAIN, now: new Date() };
  await renewAll([...services, `${PERSON}/${user}`], options);
  writeFileSync(note, '');
}

/**
 * The variables that give a service its certificate; none without TLS.
 * @param {string | undefined} certs
 * @param {string} service
 */
export const tlsVariables = (certs, service) =>
  certs === undefined ? {} : { RONDO_TLS: 'on', RONDO_TLS_DIR: path.join(certs, service) };

/**
 * The options with which the launcher itself calls the registry.
 * @param {string | undefined} certs
 */
export async function callerTls(certs) {
  if (certs === undefined) return {};
  const { openMutualTls, readTlsSettings } = await import('@rondo/rpc/internal');
  const { systemClock: clock, systemWallClock: wallClock } = await import('@rondo/rpc/clock');
  const settings = readTlsSettings(tlsVariables(certs, PERSON));
  return { mutualTls: openMutualTls(settings, { usage: 'client', descriptorSet: undefined, clock, wallClock }) };
}

/**
 * The files of the person's certificate, by the names of grpcurl's options.
 * @param {string} certs
 */
export const grpcurlOptions = (certs) =>
  [
    ['cacert', 'ca.crt'],
    ['cert', 'tls.crt'],
    ['key', 'tls.key'],
  ]
    .map(([option, file]) => `-${option} ${path.join(certs, PERSON, file)}`)
    .join(' ');
