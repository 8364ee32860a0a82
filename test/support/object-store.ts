import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PROJECT_ROOT } from '../../workers/settings.ts';
import { waitUntil } from './wait-until.ts';

/** A real S3 on loopback: moto's server, with everything in memory. */
export interface ObjectStore {
  readonly url: string;
  /** What a client of it needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly client: S3Client;
  makeBucket(bucket: string): Promise<void>;
  put(bucket: string, key: string, content: string | Uint8Array): Promise<void>;
  putFolder(bucket: string, prefix: string, folder: string): Promise<void>;
  remove(bucket: string, key: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one; a test file needs no more, for buckets keep apart. */
export async function startObjectStore(): Promise<ObjectStore> {
  const program = path.join(PROJECT_ROOT, '.venv-evaluation', 'bin', 'moto_server');
  const server = spawn(program, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const ended = once(server, 'exit');
  const url = await waitUntil('the object store tells its address', async () => {
    if (server.exitCode !== null) throw new Error(`moto_server ended: ${said}`);
    return /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? null;
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials });
  const put = async (bucket: string, key: string, content: string | Uint8Array): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
  };
  return {
    url,
    environment: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    client,
    async makeBucket(bucket) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    put,
    async putFolder(bucket, prefix, folder) {
      for (const name of await readdir(folder))
        await put(bucket, `${prefix}${name}`, await readFile(path.join(folder, name)));
    },
    async remove(bucket, key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    async stop() {
      client.destroy();
      server.kill('SIGTERM');
      await ended;
    },
  };
}
