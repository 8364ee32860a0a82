import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';

/** Files of a certificate and its key. */
export interface Certificate {
  readonly crt: string;
  readonly key: string;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '1'];

/** A new certificate authority, as files in a folder. */
export async function makeAuthority(folder: string, name: string): Promise<Certificate> {
  const authority = filesOf(folder, name);
  const uses = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
  await openssl([...KEY, ...outOf(authority), '-subj', `/CN=${name}`, ...uses.flatMap((use) => ['-addext', use])]);
  return authority;
}

/** A certificate that an authority vouches for, for this machine under both its names. */
export async function makeCertificate(folder: string, name: string, authority: Certificate): Promise<Certificate> {
  const certificate = filesOf(folder, name);
  const uses = ['basicConstraints=critical,CA:FALSE', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const by = ['-CA', authority.crt, '-CAkey', authority.key];
  await openssl([
    ...KEY,
    ...outOf(certificate),
    ...by,
    '-subj',
    `/CN=${name}`,
    ...uses.flatMap((use) => ['-addext', use]),
  ]);
  return certificate;
}

function filesOf(folder: string, name: string): Certificate {
  return { crt: path.join(folder, `${name}.crt`), key: path.join(folder, `${name}.key`) };
}

function outOf({ crt, key }: Certificate): readonly string[] {
  return ['-out', crt, '-keyout', key];
}

/** An empty configuration, so that nothing of the machine's own adds a second `basicConstraints`. */
async function openssl(args: readonly string[]): Promise<void> {
  const env = { ...process.env, OPENSSL_CONF: '/dev/null' };
  await promisify(execFile)(await findOnPath('openssl'), ['req', '-x509', ...args], { env });
}
