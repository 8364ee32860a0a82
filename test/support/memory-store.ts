import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ArtifactStore } from '../../activities/ports.ts';
import type { ArtifactManifest } from '../../contracts/artifact.schema.ts';
import { RegraftError } from '../../contracts/error.ts';
import { AT, digestOf } from './lineage-values.ts';

/** A store in memory that keeps what it was given in plain sight. */
export class MemoryStore implements ArtifactStore {
  readonly records = new Map<string, unknown>();
  readonly refs = new Map<string, string>();
  readonly manifests = new Map<string, ArtifactManifest>();

  async putFolder(input: Parameters<ArtifactStore['putFolder']>[0]): Promise<ArtifactManifest> {
    const { kind, folder, provenance } = input;
    input.signal.throwIfAborted();
    const texts = input.files.map((file) => readFile(path.join(folder, file), 'latin1'));
    const files = (await Promise.all(texts)).map((text, index) => ({
      path: input.files[index] ?? '',
      sha256: digestOf(text),
      sizeBytes: text.length,
    }));
    const digest = digestOf(JSON.stringify({ kind, files }));
    const manifest = {
      schema: 'regraft.artifact/1',
      kind,
      digest,
      files,
      sizeBytes: 0,
      provenance,
      createdAt: AT,
    } as const;
    if (!this.manifests.has(digest)) this.manifests.set(digest, { ...manifest, files });
    return this.manifest(digest);
  }

  async manifest(digest: string): Promise<ArtifactManifest> {
    const found = this.manifests.get(digest);
    if (found === undefined) throw new RegraftError('STORE_NOT_FOUND', `Artifact ${digest} is not there.`);
    return found;
  }

  async materialize(digest: string): Promise<string> {
    return `/store/${digest}`;
  }

  async putRecord(value: unknown): Promise<string> {
    const digest = digestOf(JSON.stringify(value));
    this.records.set(digest, value);
    return digest;
  }

  async getRecord(digest: string): Promise<unknown> {
    if (!this.records.has(digest)) throw new RegraftError('STORE_NOT_FOUND', `Record ${digest} is not there.`);
    return this.records.get(digest);
  }

  async readRef(name: string): Promise<string | null> {
    return this.refs.get(name) ?? null;
  }

  async swapRef(
    name: string,
    from: string | null,
    to: string,
  ): Promise<{ readonly swapped: boolean; readonly current: string | null }> {
    const current = this.refs.get(name) ?? null;
    if (current !== from) return { swapped: false, current };
    this.refs.set(name, to);
    return { swapped: true, current: to };
  }
}
